// SPDX-License-Identifier: Apache-2.0
// `artifact key ...`: the secrets that open an encrypted store.
#include "commands.hpp"
#include "json_text.hpp"
#include "records_json.hpp"
#include "words.hpp"

namespace symphony::store {
namespace {

std::string kind_of(const KeySlot& slot) { return slot.kind == Secret::Kind::passphrase ? "passphrase" : "key file"; }

void put_slot(ValueBuilder& to, const KeySlot& slot) {
    to.map().add("id", slot.id).add("kind", kind_of(slot)).add("label", slot.label).add("created_unix_ms", slot.created_ms).add("created", time_stamp(slot.created_ms)).end();
}

Status need_secret(const std::optional<Secret>& secret, const std::string& prefix) {
    if (secret) return {};
    return usage("a secret is missing", "give --" + prefix + "passphrase-file FILE or --" + prefix + "key-file FILE");
}

} // namespace

Result<std::int32_t> command_key_list(CommandLine& line) {
    const Description what = SYMPHONY_TRY(line.session().describe());
    if (line.json()) {
        ValueBuilder out;
        out.map().add("suite", name_of(what.suite)).key("keys").list();
        for (const KeySlot& slot : what.slots) put_slot(out, slot);
        SYMPHONY_TRY(line.json_out(out.end().end().build()));
        return done;
    }
    if (what.suite == Suite::none) {
        line.err("the store is not encrypted, and has no keys");
        return done;
    }
    std::vector<std::vector<std::string>> rows{{"ID", "KIND", "CREATED", "LABEL"}};
    for (const KeySlot& slot : what.slots) rows.push_back({slot.id, kind_of(slot), time_words(slot.created_ms), shown(slot.label)});
    line.write(ports::CommandStream::out, table(rows));
    return done;
}

Result<std::int32_t> command_key_add(CommandLine& line) {
    const auto secret = SYMPHONY_TRY(line.secret_given("new-"));
    SYMPHONY_TRY(need_secret(secret, "new-"));
    const auto store = SYMPHONY_TRY(line.writing());
    const KeySlot slot = SYMPHONY_TRY(store->add_key(*secret, line.text("label")));
    if (line.json()) {
        ValueBuilder out;
        out.map().key("key");
        put_slot(out, slot);
        SYMPHONY_TRY(line.json_out(out.end().build()));
    } else {
        line.out(slot.id);
        line.err("added; either secret opens the store now");
    }
    return done;
}

Result<std::int32_t> command_key_remove(CommandLine& line) {
    const auto store = SYMPHONY_TRY(line.writing());
    SYMPHONY_TRY(store->remove_key(line.text("id")));
    if (line.json()) {
        SYMPHONY_TRY(line.json_out(ValueBuilder().map().add("removed", line.text("id")).end().build()));
    } else {
        line.err("removed; copies of the store that were made before still open with it: symphony artifact key rotate" + line.store_words() + " makes a new master key");
    }
    return done;
}

Result<std::int32_t> command_key_rotate(CommandLine& line) {
    const auto secret = SYMPHONY_TRY(line.session().secret());
    SYMPHONY_TRY(need_secret(secret, ""));
    const auto store = SYMPHONY_TRY(line.writing());
    const auto dropped = SYMPHONY_TRY(store->rotate(*secret, line.telling("wrapping keys anew")));
    if (line.json()) {
        ValueBuilder out;
        out.map();
        put_json_texts(out, "dropped", dropped);
        SYMPHONY_TRY(line.json_out(out.end().build()));
        return done;
    }
    line.err("the master key is new; the data stayed as it is");
    for (const std::string& id : dropped) line.note("key " + id + " no longer opens the store: add it again with symphony artifact key add" + line.store_words());
    return done;
}

} // namespace symphony::store
