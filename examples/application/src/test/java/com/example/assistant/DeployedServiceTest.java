package com.example.assistant;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/** Tests of an environment: the pipeline runs them after a deploy, with the environment's address in BASE_URL. */
@EnabledIfEnvironmentVariable(named = "BASE_URL", matches = "https?://.+")
class DeployedServiceTest {

    private final HttpClient client = HttpClient.newHttpClient();
    private final String base = System.getenv("BASE_URL");

    /** mvn test -Dgroups=integration */
    @Test
    @Tag("integration")
    void isHealthyAndShowsItsVersion() throws Exception {
        assertThat(send(HttpRequest.newBuilder(uri("/actuator/health")).build()).statusCode()).isEqualTo(200);
        assertThat(send(HttpRequest.newBuilder(uri("/actuator/info")).build()).body()).contains("\"version\"");
    }

    /** mvn test -Dgroups=system */
    @Test
    @Tag("system")
    void answersAPromptToItsEnd() throws Exception {
        HttpRequest prompt = HttpRequest.newBuilder(uri("/chat"))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString("{\"text\": \"Hello\"}"))
                .build();

        HttpResponse<String> answer = send(prompt);

        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.body()).contains("data:Hello", "event:done");
    }

    private HttpResponse<String> send(HttpRequest request) throws IOException, InterruptedException {
        return client.send(request, BodyHandlers.ofString());
    }

    private URI uri(String path) {
        return URI.create(base + path);
    }
}
