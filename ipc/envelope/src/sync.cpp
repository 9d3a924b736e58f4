// SPDX-License-Identifier: Apache-2.0
#include <symphony/envelope/sync.hpp>

#include <algorithm>

namespace symphony::ipc {
namespace {

Error bad(std::string_view type, std::string_view what) {
    return {Code::invalid_argument, "bad-sync", "event \"" + to_valid_utf8(type.substr(0, name_bytes_max)) + "\": " + std::string(what)};
}

Result<std::vector<SyncEdit>> read_edits(std::string_view type, ValueView list) {
    std::vector<SyncEdit> out;
    if (!list.is_list()) return bad(type, "\"edits\" is no list");
    if (list.size() > sync_edits_max) return bad(type, "\"edits\" has more than " + std::to_string(sync_edits_max));
    for (const ValueView item : list.items()) {
        const auto at = item["at"].to_uint(), removed = item["removed"].to_uint();
        if (!at || !removed || !item["text"].is_text()) return bad(type, "edit " + std::to_string(out.size() + 1) + " lacks \"at\", \"removed\" or \"text\"");
        out.push_back({*at, *removed, std::string(item["text"].as_text())});
    }
    return out;
}

} // namespace

Value content_of(const SyncEvent& event) {
    ValueBuilder out;
    out.map().add("file", event.file).add("revision", event.revision);
    if (event.kind == SyncKind::file_changed) out.add("change", event.change);
    if (event.kind == SyncKind::cursor_moved) out.add("at", event.at).add("anchor", event.anchor);
    if (event.kind == SyncKind::buffer_updated) {
        out.key("edits").list(event.edits.size());
        for (const auto& edit : event.edits) out.map(3).add("at", edit.at).add("removed", edit.removed).add("text", edit.text).end();
        out.end();
    }
    return out.end().build();
}

Result<SyncEvent> read_sync(std::string_view type, const Value& content) {
    const auto found = std::find(sync_types.begin(), sync_types.end(), type);
    if (found == sync_types.end()) return bad(type, "is none of sync.*");
    SyncEvent out;
    out.kind = static_cast<SyncKind>(found - sync_types.begin());
    out.file = content["file"].as_text();
    if (!out.file.starts_with('/')) return bad(type, "\"file\" is no absolute path");
    out.revision = content["revision"].as_uint();
    if (out.revision == 0) return bad(type, "\"revision\" is no number from 1");
    if (out.kind == SyncKind::file_changed) {
        out.change = content["change"].as_text();
        if (out.change != "created" && out.change != "changed" && out.change != "removed") return bad(type, "\"change\" is none of created, changed, removed");
    }
    if (out.kind == SyncKind::buffer_updated) out.edits = SYMPHONY_TRY(read_edits(type, content["edits"]));
    if (out.kind == SyncKind::cursor_moved) {
        const auto at = content["at"].to_uint(), anchor = content["anchor"].to_uint();
        if (!at || !anchor) return bad(type, "\"at\" or \"anchor\" is no position");
        out.at = *at;
        out.anchor = *anchor;
    }
    return out;
}

SyncOrder::Seen SyncOrder::see(const SyncEvent& event) {
    auto found = last_.find(event.file);
    const std::uint64_t last = found == last_.end() ? 0 : found->second;
    if (event.revision <= last && event.revision != 1) return Seen::repeated;
    if (event.revision == 1 && last == 1) return Seen::repeated;
    const Seen seen = event.revision == last + 1 || event.revision == 1 ? Seen::next : Seen::gap;
    if (event.kind == SyncKind::view_closed) {
        if (found != last_.end()) last_.erase(found);
        return seen;
    }
    if (found == last_.end()) {
        if (last_.size() >= files_max_) return Seen::full;
        found = last_.emplace(event.file, 0).first;
    }
    found->second = event.revision;
    return seen;
}

} // namespace symphony::ipc
