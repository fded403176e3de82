create table message (
    id           bigint generated always as identity primary key,
    conversation text not null,
    author       text not null check (author in ('user', 'assistant')),
    text         text not null,
    created_at   timestamptz not null default now()
);
create index message_conversation on message (conversation, id);
