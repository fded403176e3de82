package com.example.assistant;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * Settings of the language model.
 *
 * @param provider which model answers; {@code simulated} is the only one that this service brings
 * @param wordDelay time between two words of an answer
 * @param loadTime how long the model takes to load, before the service is ready
 * @param weights heap that the loaded model occupies
 */
@ConfigurationProperties("assistant.model")
public record ModelProperties(
        @DefaultValue("simulated") String provider,
        @DefaultValue("150ms") Duration wordDelay,
        @DefaultValue("0s") Duration loadTime,
        @DefaultValue("0MB") DataSize weights) {}
