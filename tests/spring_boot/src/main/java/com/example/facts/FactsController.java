package com.example.facts;

import java.io.IOException;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

/** A quick answer, a slow one, and one that is streamed. */
@RestController
class FactsController {

    @GetMapping("/")
    String quick() {
        return "quick";
    }

    @GetMapping("/slow")
    String slow(@RequestParam long milliseconds) throws InterruptedException {
        Thread.sleep(milliseconds);
        return "slow";
    }

    /** One event each 100 ms, then the event {@code end}. */
    @GetMapping(path = "/stream", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    SseEmitter stream(@RequestParam long milliseconds) {
        SseEmitter emitter = new SseEmitter(0L);
        new Thread(() -> send(emitter, milliseconds), "stream").start();
        return emitter;
    }

    private static void send(SseEmitter emitter, long milliseconds) {
        try {
            long end = System.nanoTime() + milliseconds * 1_000_000;
            while (System.nanoTime() < end) {
                emitter.send("word");
                Thread.sleep(100);
            }
            emitter.send("end");
            emitter.complete();
        } catch (IOException | IllegalStateException e) {
            emitter.completeWithError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
