package com.example.assistant;

import java.util.List;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** The messages of all conversations, in the table {@code message}; each row names the model of its conversation. */
@Repository
class MessageStore {

    /** One message: who wrote it, and its text. */
    record Message(String author, String text) {}

    private final JdbcClient database;
    private final String model;

    MessageStore(JdbcClient database, ModelProperties settings) {
        this.database = database;
        this.model = settings.provider();
    }

    void add(String conversation, String author, String text) {
        database.sql("insert into message (conversation, author, text, model) values (?, ?, ?, ?)")
                .params(conversation, author, text, model)
                .update();
    }

    List<Message> of(String conversation) {
        return database.sql("select author, text from message where conversation = ? order by id")
                .params(conversation)
                .query(Message.class)
                .list();
    }
}
