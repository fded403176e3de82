package com.example.assistant;

import java.util.stream.Stream;

/** A language model that produces an answer word by word. */
public interface LanguageModel {

    /**
     * Answers a prompt.
     *
     * @param prompt what the user asks
     * @return the words of the answer, each computed when it is read
     */
    Stream<String> answer(String prompt);
}
