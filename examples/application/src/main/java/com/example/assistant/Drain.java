package com.example.assistant;

import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletRequestEvent;
import jakarta.servlet.ServletRequestListener;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.context.SmartLifecycle;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.stereotype.Component;

/**
 * Closes the load balancer's kept-alive connections before Tomcat does.
 *
 * <p>Tomcat's graceful shutdown answers no further request on a kept-alive connection, so the load balancer answers 502
 * for a request that it sends just then. This class delays the graceful shutdown: from SIGTERM on, each response carries
 * {@code Connection: close}, and the load balancer sends its next request elsewhere. The graceful shutdown begins when
 * at least five seconds have passed and no request is in flight.
 *
 * <p>Copy this file into your service. It needs Spring Boot 3.3 or later, which registers one bean both as a filter and
 * as a listener. It is the first filter, because responses of Spring Security need the header too.
 */
@Component
@Order(Ordered.HIGHEST_PRECEDENCE)
public class Drain implements Filter, ServletRequestListener, SmartLifecycle {

    private static final Duration MINIMUM = Duration.ofSeconds(5);

    private final Duration minimum;
    private final AtomicInteger inFlight = new AtomicInteger();
    private volatile boolean running;
    private volatile boolean draining;

    public Drain() {
        this(MINIMUM);
    }

    Drain(Duration minimum) {
        this.minimum = minimum;
    }

    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        closeConnection(response);
        chain.doFilter(request, response);
        closeConnection(response); // for a request that arrived before the drain began
    }

    private void closeConnection(ServletResponse response) {
        if (draining && !response.isCommitted()) {
            ((HttpServletResponse) response).setHeader("Connection", "close");
        }
    }

    // A filter returns before an asynchronous response ends. A listener is called at its real end.
    @Override
    public void requestInitialized(ServletRequestEvent event) {
        inFlight.incrementAndGet();
    }

    @Override
    public void requestDestroyed(ServletRequestEvent event) {
        inFlight.decrementAndGet();
    }

    @Override
    public void start() {
        running = true;
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    /** Beans of the default phase stop before the web server. */
    @Override
    public void stop(Runnable stopped) {
        draining = true;
        new Thread(() -> {
                    waitUntilIdle();
                    running = false;
                    stopped.run();
                }, "drain")
                .start();
    }

    @Override
    public void stop() {
        stop(() -> {});
    }

    private void waitUntilIdle() {
        long end = System.nanoTime() + minimum.toNanos();
        try {
            while (System.nanoTime() < end || inFlight.get() > 0) {
                Thread.sleep(50);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
