"""The rehearsal's Kubernetes: an API, the controllers that make a Deployment real, pods that are processes.

One server carries all clusters of a rehearsal, each below `/clusters/<name>`. It speaks the API that kubectl,
the Python client and kubernetes.core use, and keeps everything in memory. It is no Kubernetes: what it leaves
out is listed in docs/rehearsal.md.
"""
