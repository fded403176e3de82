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
 * Lets go of the load balancer's kept connections before Tomcat ends them.
 *
 * <p>Told to end, the service goes on serving, and each answer says {@code Connection: close}: the load balancer sends
 * its next request elsewhere. Tomcat's own graceful shutdown begins once that has lasted for a while and no request is
 * under way, for it answers nothing more that comes on a connection that was kept.
 *
 * <p>For Spring Boot 3.3 and later, which registers one bean both as filter and as listener. It comes first, since what
 * Spring Security answers itself has to say so, too.
 */
@Component
@Order(Ordered.HIGHEST_PRECEDENCE)
public class Drain implements Filter, ServletRequestListener, SmartLifecycle {

    private static final Duration LEAST = Duration.ofSeconds(5);

    private final AtomicInteger underWay = new AtomicInteger();
    private volatile boolean running;
    private volatile boolean draining;

    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        tell(response);
        chain.doFilter(request, response);
        tell(response); // it may have begun before
    }

    private void tell(ServletResponse response) {
        if (draining && !response.isCommitted()) {
            ((HttpServletResponse) response).setHeader("Connection", "close");
        }
    }

    // Unlike a filter, a listener is also told of the end of a request that is answered asynchronously.
    @Override
    public void requestInitialized(ServletRequestEvent event) {
        underWay.incrementAndGet();
    }

    @Override
    public void requestDestroyed(ServletRequestEvent event) {
        underWay.decrementAndGet();
    }

    @Override
    public void start() {
        running = true;
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    /** Beans of the default phase stop first, the web server after them. */
    @Override
    public void stop(Runnable stopped) {
        draining = true;
        new Thread(() -> {
            waitUntilQuiet();
            running = false;
            stopped.run();
        }, "drain").start();
    }

    @Override
    public void stop() {
        stop(() -> {});
    }

    private void waitUntilQuiet() {
        long end = System.nanoTime() + LEAST.toNanos();
        try {
            while (System.nanoTime() < end || underWay.get() > 0) {
                Thread.sleep(50);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
