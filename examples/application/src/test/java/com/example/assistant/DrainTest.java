package com.example.assistant;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletRequestEvent;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;
import org.springframework.mock.web.MockServletContext;

class DrainTest {

    private static final FilterChain NOTHING = (request, response) -> {};

    private final Drain drain = new Drain(Duration.ofMillis(200));
    private final MockHttpServletRequest request = new MockHttpServletRequest();
    private final ServletRequestEvent event = new ServletRequestEvent(new MockServletContext(), request);
    private final CountDownLatch stopped = new CountDownLatch(1);

    @Test
    void keepsConnectionsOpenWhileTheServiceRuns() throws Exception {
        drain.start();
        MockHttpServletResponse response = new MockHttpServletResponse();

        drain.doFilter(request, response, NOTHING);

        assertThat(drain.isRunning()).isTrue();
        assertThat(response.getHeader("Connection")).isNull();
    }

    @Test
    void closesTheConnectionOfEachResponseOnceTheServiceStops() throws Exception {
        drain.start();
        drain.stop(stopped::countDown);
        MockHttpServletResponse response = new MockHttpServletResponse();

        drain.doFilter(request, response, NOTHING);

        assertThat(response.getHeader("Connection")).isEqualTo("close");
    }

    @Test
    void closesTheConnectionOfARequestThatArrivedBefore() throws Exception {
        drain.start();
        MockHttpServletResponse response = new MockHttpServletResponse();

        drain.doFilter(request, response, (q, r) -> drain.stop(stopped::countDown));

        assertThat(response.getHeader("Connection")).isEqualTo("close");
    }

    @Test
    void leavesACommittedResponseAlone() throws Exception {
        drain.start();
        drain.stop(stopped::countDown);
        MockHttpServletResponse response = new MockHttpServletResponse();
        response.flushBuffer();

        drain.doFilter(request, response, NOTHING);

        assertThat(response.getHeader("Connection")).isNull();
    }

    @Test
    void servesAtLeastTheMinimumTimeBeforeTheServerStops() throws Exception {
        drain.start();
        drain.stop(stopped::countDown);

        assertThat(stopped.await(100, TimeUnit.MILLISECONDS)).isFalse();
        assertThat(drain.isRunning()).isTrue();
        assertThat(stopped.await(5, TimeUnit.SECONDS)).isTrue();
        assertThat(drain.isRunning()).isFalse();
    }

    @Test
    void waitsForTheEndOfAStreamedResponse() throws Exception {
        drain.start();
        drain.requestInitialized(event);
        drain.stop(stopped::countDown);

        assertThat(stopped.await(600, TimeUnit.MILLISECONDS)).isFalse();
        drain.requestDestroyed(event);
        assertThat(stopped.await(5, TimeUnit.SECONDS)).isTrue();
    }
}
