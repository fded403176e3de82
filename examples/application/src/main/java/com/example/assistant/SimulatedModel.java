package com.example.assistant;

import jakarta.annotation.PostConstruct;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.stereotype.Component;

/** A model without a network: it repeats the prompt, as slowly as a real model produces words. */
@Component
@ConditionalOnProperty(name = "assistant.model.provider", havingValue = "simulated", matchIfMissing = true)
class SimulatedModel implements LanguageModel {

    private static final Logger log = LoggerFactory.getLogger(SimulatedModel.class);
    private static final int BLOCK = 1024 * 1024;

    private final ModelProperties settings;
    private final List<byte[]> weights = new ArrayList<>();

    SimulatedModel(ModelProperties settings) {
        this.settings = settings;
    }

    @PostConstruct
    void load() {
        log.info("Loading the model ({} of weights, {} s)", settings.weights(), settings.loadTime().toSeconds());
        for (long megabytes = settings.weights().toMegabytes(); megabytes > 0; megabytes--) {
            weights.add(new byte[BLOCK]);
        }
        pause(settings.loadTime());
        log.info("The model is loaded");
    }

    @Override
    public Stream<String> answer(String prompt) {
        return Stream.of(("You asked: " + prompt + " I am a simulated model and repeat what you say.").split("\\s+"))
                .peek(word -> pause(settings.wordDelay()));
    }

    private static void pause(Duration duration) {
        try {
            Thread.sleep(duration.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while the model was computing", e);
        }
    }
}
