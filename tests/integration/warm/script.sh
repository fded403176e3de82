#!/bin/sh
echo "script $1"
pwd
