// SPDX-License-Identifier: Apache-2.0
// `artifact tag`, `pin`, `hold` and `remove`: what people say about an artifact.
#include "commands.hpp"
#include "json_text.hpp"
#include "port_records.hpp"
#include "records_json.hpp"
#include "words.hpp"

namespace symphony::store {
namespace {

/// The artifact as it is now: JSON, or one line for people.
Result<std::int32_t> tell(CommandLine& line, Store& store, const ContentId& id, const std::string& what) {
    const ArtifactInfo info = SYMPHONY_TRY(store.info(id));
    if (line.json()) {
        ValueBuilder out;
        out.map().key("artifact");
        put_json(out, info);
        SYMPHONY_TRY(line.json_out(out.end().build()));
        return done;
    }
    std::string tags;
    for (const std::string& tag : info.tags) tags += " #" + shown(tag);
    line.err(what + " " + short_id(id.hex()) + (info.name.empty() ? "" : " " + shown(info.name) + "@" + std::to_string(info.version)) + tags);
    return done;
}

} // namespace

Result<std::int32_t> command_tag(CommandLine& line) {
    auto add = line.texts("tag");
    const auto remove = line.texts("remove");
    if (add.empty() && remove.empty()) return usage("tag needs a tag", "symphony artifact tag ID TAG, or --remove TAG");
    for (const std::string& tag : add) SYMPHONY_TRY(check_artifact_tag(tag));
    const auto store = SYMPHONY_TRY(line.writing());
    const ContentId id = SYMPHONY_TRY(resolve(*store, line.text("id")));
    SYMPHONY_TRY(store->tag(id, add, remove));
    return tell(line, *store, id, "tagged");
}

Result<std::int32_t> command_pin(CommandLine& line) {
    const auto store = SYMPHONY_TRY(line.writing());
    const ContentId id = SYMPHONY_TRY(resolve(*store, line.text("id")));
    SYMPHONY_TRY(store->set_pinned(id, !line.on("off")));
    return tell(line, *store, id, line.on("off") ? "no longer pinned:" : "pinned");
}

Result<std::int32_t> command_hold(CommandLine& line) {
    const auto store = SYMPHONY_TRY(line.writing());
    const ContentId id = SYMPHONY_TRY(resolve(*store, line.text("id")));
    SYMPHONY_TRY(store->set_hold(id, !line.on("off"), line.text("reason")));
    return tell(line, *store, id, line.on("off") ? "no longer held:" : "held");
}

Result<std::int32_t> command_remove(CommandLine& line) {
    const auto store = SYMPHONY_TRY(line.writing());
    std::vector<std::string> removed;
    std::vector<std::pair<std::string, Error>> problems;
    for (const std::string& name : line.texts("id")) {
        const auto id = resolve(*store, name);
        const auto status = id ? store->remove(*id) : Status(id.error());
        if (status) removed.push_back(id->hex());
        else problems.emplace_back(name, status.error());
    }
    if (line.json()) {
        ValueBuilder out;
        out.map();
        put_json_texts(out, "removed", removed);
        out.key("problems").list();
        for (const auto& [name, error] : problems) {
            out.map().add("id", name).key("error");
            put_json(out, error);
            out.end();
        }
        SYMPHONY_TRY(line.json_out(out.end().end().build()));
    } else {
        for (const std::string& id : removed) line.out(id);
        if (!removed.empty()) line.err("removed; symphony artifact gc" + line.store_words() + " frees the room");
    }
    for (const auto& [name, error] : problems) {
        Error told = Error(error).in(shown(name));
        if (told.hint().empty()) {
            told.with_hint(told.reason() == "held" ? "symphony artifact show " + shown(name) + line.store_words() + " says what keeps it"
                                                   : "symphony artifact list" + line.store_words() + " shows what is there");
        }
        line.problem(told);
    }
    return problems.empty() ? done : work_failed;
}

} // namespace symphony::store
