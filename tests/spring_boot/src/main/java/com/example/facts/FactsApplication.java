package com.example.facts;

import com.example.assistant.Drain;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Profile;

/** What is measured: Spring Boot as it comes, and in the profile {@code drain} with Drain.java. */
@SpringBootApplication
public class FactsApplication {

    @Configuration
    @Profile("drain")
    @Import(Drain.class)
    static class WithDrain {}

    public static void main(String[] arguments) {
        SpringApplication.run(FactsApplication.class, arguments);
    }
}
