package com.example.assistant;

import com.example.assistant.MessageStore.Message;
import java.io.IOException;
import java.util.List;
import java.util.StringJoiner;
import java.util.UUID;
import java.util.concurrent.Executor;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

/** Answers prompts as a stream of server-sent events, one event per word, and keeps the conversation. */
@RestController
class ChatController {

    record Prompt(String conversation, String text) {}

    private static final long NO_TIMEOUT = 0L;

    private final LanguageModel model;
    private final MessageStore messages;
    private final Executor executor;

    ChatController(
            LanguageModel model, MessageStore messages, @Qualifier("applicationTaskExecutor") Executor executor) {
        this.model = model;
        this.messages = messages;
        this.executor = executor;
    }

    /** Streams the answer: events {@code word}, then one event {@code done} with the conversation's id. */
    @PostMapping(path = "/chat", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    SseEmitter chat(@RequestBody Prompt prompt) {
        String conversation =
                prompt.conversation() == null ? UUID.randomUUID().toString() : prompt.conversation();
        messages.add(conversation, "user", prompt.text());
        SseEmitter stream = new SseEmitter(NO_TIMEOUT);
        executor.execute(() -> answer(conversation, prompt.text(), stream));
        return stream;
    }

    @GetMapping("/conversations/{conversation}")
    List<Message> conversation(@PathVariable String conversation) {
        return messages.of(conversation);
    }

    private void answer(String conversation, String prompt, SseEmitter stream) {
        StringJoiner answer = new StringJoiner(" ");
        try {
            for (String word : (Iterable<String>) model.answer(prompt)::iterator) {
                answer.add(word);
                stream.send(SseEmitter.event().name("word").data(word));
            }
            messages.add(conversation, "assistant", answer.toString());
            stream.send(SseEmitter.event().name("done").data(conversation));
            stream.complete();
        } catch (IOException | RuntimeException e) {
            stream.completeWithError(e);
        }
    }
}
