package com.example.assistant;

import java.util.Map;
import org.springframework.boot.info.BuildProperties;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** Shows which version answers, and on which host. */
@RestController
class HomeController {

    private final Map<String, String> answer;

    HomeController(BuildProperties build, @Value("${HOSTNAME:}") String host) {
        this.answer = Map.of("version", build.getVersion(), "pod", host);
    }

    @GetMapping("/")
    Map<String, String> home() {
        return answer;
    }
}
