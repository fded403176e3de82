package com.example.assistant;

import static org.assertj.core.api.Assertions.assertThat;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.info.BuildProperties;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

/** The whole service over HTTP, on a real PostgreSQL. */
@SpringBootTest(webEnvironment = WebEnvironment.RANDOM_PORT, properties = "assistant.model.word-delay=20ms")
class AssistantTest {

    private static final EmbeddedPostgres DATABASE = start();

    private final HttpClient client = HttpClient.newHttpClient();

    @Value("${local.server.port}")
    private int port;

    @Autowired
    private BuildProperties build;

    private static EmbeddedPostgres start() {
        try {
            return EmbeddedPostgres.start();
        } catch (IOException e) {
            throw new IllegalStateException("the test database did not start", e);
        }
    }

    @DynamicPropertySource
    static void database(DynamicPropertyRegistry properties) {
        properties.add("spring.datasource.url", () -> DATABASE.getJdbcUrl("postgres", "postgres"));
    }

    @AfterAll
    static void stop() throws IOException {
        DATABASE.close();
    }

    @Test
    void showsItsVersion() throws Exception {
        assertThat(get("/").body()).contains("\"version\":\"" + build.getVersion() + "\"");
        assertThat(get("/actuator/info").body()).contains("\"version\":\"" + build.getVersion() + "\"");
    }

    @Test
    void answersTheProbes() throws Exception {
        assertThat(get("/actuator/health/readiness").statusCode()).isEqualTo(200);
        assertThat(get("/actuator/health/liveness").statusCode()).isEqualTo(200);
    }

    @Test
    void streamsAnAnswerAndKeepsTheConversation() throws Exception {
        HttpRequest request = HttpRequest.newBuilder(uri("/chat"))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString("{\"conversation\": \"c1\", \"text\": \"Hello Teal.\"}"))
                .build();

        HttpResponse<java.util.stream.Stream<String>> response = client.send(request, BodyHandlers.ofLines());
        List<String> lines = response.body().toList();

        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.headers().firstValue("Content-Type")).hasValueSatisfying(
                type -> assertThat(type).startsWith("text/event-stream"));
        assertThat(lines).contains("data:Hello", "data:Teal.", "event:done", "data:c1");
        assertThat(get("/conversations/c1").body())
                .contains("\"author\":\"user\"")
                .contains("\"text\":\"Hello Teal.\"")
                .contains("\"author\":\"assistant\"")
                .contains("You asked: Hello Teal.");
    }

    private HttpResponse<String> get(String path) throws Exception {
        return client.send(HttpRequest.newBuilder(uri(path)).build(), BodyHandlers.ofString());
    }

    private URI uri(String path) {
        return URI.create("http://localhost:" + port + path);
    }
}
