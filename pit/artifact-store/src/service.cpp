// SPDX-License-Identifier: Apache-2.0
#include "service.hpp"

#include "port_records.hpp"
#include "reading.hpp"

#include <algorithm>
#include <cmath>

namespace symphony::store {
namespace {

constexpr std::uint32_t items_max = 1000, items_default = 100;
constexpr std::uint32_t part_bytes_default = 1u << 20;
constexpr std::uint64_t lease_ms_max = 30ull * 24 * 3'600'000;

std::uint32_t limit_of(std::uint32_t limit) { return limit == 0 ? items_default : std::min(limit, items_max); }

Result<std::chrono::milliseconds> lease_time(std::uint64_t time_ms) {
    if (time_ms == 0 || time_ms > lease_ms_max) {
        return Error(Code::invalid_argument, "bad-time", "a lease of " + std::to_string(time_ms) + " ms; it lasts 1 ms to 30 days");
    }
    return std::chrono::milliseconds(time_ms);
}

Status check_holder(std::string_view holder) {
    if (check_artifact_tag(holder)) return {};
    return Error(Code::invalid_argument, "bad-name", "a holder has 1 to 255 bytes of UTF-8 without control characters");
}

Settings own_settings(const Host& host) { return settings_of(host.config()); }

} // namespace

SecretSource configured_secret(Host host) {
    return [host]() -> Result<std::optional<Secret>> {
        const auto secrets = host.secrets();
        if (!secrets) return std::optional<Secret>();
        const auto found = secrets->get("passphrase");
        if (!found && found.error().code() == Code::not_found) return std::optional<Secret>();
        if (!found) return found.error();
        return std::optional<Secret>(Secret::passphrase(found->text()));
    };
}

ProgressFn progress_of(const Call& call) {
    return [&call](const Progress& progress) {
        const std::uint64_t permille = progress.total == 0 ? 0 : std::min<std::uint64_t>(1000, progress.done * 1000 / progress.total);
        call.progress(static_cast<std::uint32_t>(permille), progress.stage);
        return !call.cancelled();
    };
}

Patience patience_of(const Call& call, const Settings& settings) {
    Patience out;
    out.longest = settings.lock_wait;
    out.cancelled = [&call] { return call.cancelled(); };
    out.waiting = [&call](std::string_view note) { call.progress(0, "waiting: " + std::string(note)); };
    return out;
}

Service::Service(Host host)
    : session_(host, own_settings(host), Place{"state", own_settings(host).path}, configured_secret(host), "port", "a running host"),
      feeder_(session_), quality_(session_), uploads_(session_.settings().upload_idle), background_(session_, feeder_, uploads_) {}

Result<std::shared_ptr<Store>> Service::reading() {
    background_.start();
    return session_.reader();
}

Result<std::shared_ptr<Store>> Service::writing(const Call& call, bool make) {
    background_.start();
    return session_.writer(patience_of(call, session_.settings()), make);
}

Status Service::quiesce(std::uint64_t) {
    background_.stop();
    return {};
}

Status Service::deactivate() {
    background_.stop();
    uploads_.abandon_all();
    session_.stop();
    return {};
}

Result<ports::ArtifactInfo> Service::put(Call& call, const Buffer& content, const ports::PutOptions& options) {
    if (content.size() > call_bytes_max) {
        return Error(Code::exhausted, "too-large", std::to_string(content.size()) + " bytes in one call, at most " + std::to_string(call_bytes_max),
                     "use begin_put, append_put and finish_put");
    }
    const auto store = SYMPHONY_TRY(writing(call, true));
    return to_port(SYMPHONY_TRY(store->put(content, SYMPHONY_TRY(from_port(*store, options)))));
}

Result<ports::Upload> Service::begin_put(Call& call, const ports::PutOptions& options) {
    auto store = SYMPHONY_TRY(writing(call, true));
    const PutOptions checked = SYMPHONY_TRY(from_port(*store, options));
    ports::Upload out;
    out.handle = SYMPHONY_TRY(uploads_.begin(std::move(store), checked));
    out.idle_ms = static_cast<std::uint64_t>(session_.settings().upload_idle.count());
    out.part_bytes_max = Uploads::part_bytes_max;
    return out;
}

Result<std::uint64_t> Service::append_put(Call&, std::string_view handle, std::uint64_t offset, const Buffer& part) {
    return uploads_.append(handle, offset, part);
}

Result<ports::ArtifactInfo> Service::finish_put(Call&, std::string_view handle, std::uint64_t size) {
    return to_port(SYMPHONY_TRY(uploads_.finish(handle, size)));
}

Result<void> Service::abandon_put(Call&, std::string_view handle) {
    uploads_.abandon(handle);
    return {};
}

Result<Buffer> Service::get(Call&, std::string_view id, std::uint64_t offset, std::uint64_t size) {
    const auto store = SYMPHONY_TRY(reading());
    return read_range(*store, session_.host(), SYMPHONY_TRY(resolve(*store, id)), offset, size, call_bytes_max);
}

Result<ports::ArtifactInfo> Service::stream(Call& call, std::string_view id, std::uint64_t offset, std::uint64_t size, std::uint32_t part_bytes) {
    const auto store = SYMPHONY_TRY(reading());
    const std::size_t bytes = part_bytes == 0 ? part_bytes_default : std::min<std::size_t>(part_bytes, Uploads::part_bytes_max);
    const auto take = [&](std::uint64_t at, Buffer part) -> Status {
        if (call.cancelled()) return Error(Code::cancelled, "cancelled", "the caller gave up");
        call.emit(ports::ContentPart{at, std::move(part)});
        return {};
    };
    return to_port(SYMPHONY_TRY(read_parts(*store, session_.host(), SYMPHONY_TRY(resolve(*store, id)), offset, size, bytes, take)));
}

Result<ports::ArtifactInfo> Service::info(Call&, std::string_view id) {
    const auto store = SYMPHONY_TRY(reading());
    return to_port(SYMPHONY_TRY(store->info(id)));
}

Result<std::vector<ports::ArtifactVersion>> Service::history(Call&, std::string_view name, std::uint32_t before, std::uint32_t limit) {
    const auto store = SYMPHONY_TRY(reading());
    return to_port_list<ports::ArtifactVersion>(SYMPHONY_TRY(store->history(name, limit_of(limit), before)));
}

Result<ports::VersionPage> Service::names(Call&, std::string_view prefix, std::string_view after, std::uint32_t limit) {
    const auto store = SYMPHONY_TRY(reading());
    const auto page = SYMPHONY_TRY(store->names(prefix, after, limit_of(limit)));
    return ports::VersionPage{to_port_list<ports::ArtifactVersion>(page.items), page.next};
}

Result<ports::ArtifactPage> Service::list(Call&, const ports::ArtifactFilter& filter, std::string_view after, std::uint32_t limit) {
    const auto store = SYMPHONY_TRY(reading());
    const auto page = SYMPHONY_TRY(store->list(from_port(filter), after, limit_of(limit)));
    return ports::ArtifactPage{to_port_list<ports::ArtifactInfo>(page.items), page.next};
}

Result<ports::ArtifactHits> Service::find(Call& call, const ports::ArtifactQuery& query) {
    const auto store = SYMPHONY_TRY(reading());
    FeedBudget budget;
    budget.progress = [&call](std::uint64_t, std::uint64_t) { return !call.cancelled(); };
    return feeder_.find(*store, query, budget, &call);
}

Result<void> Service::tag(Call& call, std::string_view id, const std::vector<std::string>& add, const std::vector<std::string>& remove) {
    for (const std::string& tag : add) SYMPHONY_TRY(check_artifact_tag(tag));
    const auto store = SYMPHONY_TRY(writing(call));
    return store->tag(SYMPHONY_TRY(resolve(*store, id)), add, remove);
}

Result<std::vector<ports::LineageNode>> Service::lineage(Call&, std::string_view id, std::uint8_t direction, std::uint32_t depth, std::uint32_t limit) {
    const auto store = SYMPHONY_TRY(reading());
    const auto way = direction == ports::LineageDirection::outputs ? Direction::outputs : Direction::inputs;
    const std::uint32_t nodes = limit == 0 ? 1000 : std::min<std::uint32_t>(limit, 10'000);
    return to_port_list<ports::LineageNode>(SYMPHONY_TRY(store->lineage(SYMPHONY_TRY(resolve(*store, id)), way, depth == 0 ? 64 : depth, nodes)));
}

Result<ports::ArtifactDifference> Service::diff(Call&, std::string_view a, std::string_view b) {
    const auto store = SYMPHONY_TRY(reading());
    const ContentId one = SYMPHONY_TRY(resolve(*store, a));
    const ContentId other = SYMPHONY_TRY(resolve(*store, b));
    return to_port(one, other, SYMPHONY_TRY(store->diff(one, other)));
}

Result<ports::QualityReport> Service::assess(Call& call, std::string_view id) {
    const auto store = SYMPHONY_TRY(writing(call));
    const ArtifactInfo found = SYMPHONY_TRY(store->info(id));
    auto report = SYMPHONY_TRY(quality_.assess(*store, found, &call));
    if (found.quality != report.score) SYMPHONY_TRY(store->set_quality(found.id, report.score));
    return report;
}

Result<void> Service::set_quality(Call& call, std::string_view id, double quality) {
    if (!std::isfinite(quality) || quality > 1) return Error(Code::invalid_argument, "bad-quality", "a quality is a number from 0 to 1, or negative for none");
    const auto store = SYMPHONY_TRY(writing(call));
    return store->set_quality(SYMPHONY_TRY(resolve(*store, id)), quality);
}

Result<void> Service::pin(Call& call, std::string_view id, bool pinned) {
    const auto store = SYMPHONY_TRY(writing(call));
    return store->set_pinned(SYMPHONY_TRY(resolve(*store, id)), pinned);
}

Result<void> Service::hold(Call& call, std::string_view id, bool held, std::string_view reason) {
    const auto store = SYMPHONY_TRY(writing(call));
    return store->set_hold(SYMPHONY_TRY(resolve(*store, id)), held, reason);
}

Result<void> Service::refer(Call& call, std::string_view holder, std::string_view id, bool soft) {
    SYMPHONY_TRY(check_holder(holder));
    const auto store = SYMPHONY_TRY(writing(call));
    return store->refer(holder, SYMPHONY_TRY(resolve(*store, id)), soft);
}

Result<void> Service::unrefer(Call& call, std::string_view holder, std::string_view id) {
    SYMPHONY_TRY(check_holder(holder));
    const auto store = SYMPHONY_TRY(writing(call));
    const auto found = resolve(*store, id);
    auto done = found ? store->unrefer(holder, *found) : Status(found.error());
    if (!done && done.error().code() == Code::not_found) return {};
    return done;
}

Result<std::uint64_t> Service::lease(Call& call, std::string_view id, std::uint64_t time_ms) {
    const auto time = SYMPHONY_TRY(lease_time(time_ms));
    const auto store = SYMPHONY_TRY(writing(call));
    return store->lease(SYMPHONY_TRY(resolve(*store, id)), time);
}

Result<void> Service::renew(Call& call, std::uint64_t lease, std::uint64_t time_ms) {
    const auto time = SYMPHONY_TRY(lease_time(time_ms));
    return SYMPHONY_TRY(writing(call))->renew(lease, time);
}

Result<void> Service::release(Call& call, std::uint64_t lease) {
    auto done = SYMPHONY_TRY(writing(call))->release(lease);
    if (!done && done.error().code() == Code::not_found) return {};
    return done;
}

Result<void> Service::remove(Call& call, std::string_view id) {
    const auto store = SYMPHONY_TRY(writing(call));
    return store->remove(SYMPHONY_TRY(resolve(*store, id)));
}

Result<std::vector<ports::ArtifactChange>> Service::changes(Call&, std::uint64_t after, std::uint32_t limit) {
    const auto store = SYMPHONY_TRY(reading());
    return to_port_list<ports::ArtifactChange>(SYMPHONY_TRY(store->changes(after, limit_of(limit))));
}

Result<ports::StoreStats> Service::stats(Call& call) {
    const auto store = SYMPHONY_TRY(reading());
    auto out = to_port(SYMPHONY_TRY(store->stats()), store->description());
    out.place = "the plugin's own folder, " + session_.place().path;
    out.durability = session_.settings().durability == Durability::durable ? "durable" : "relaxed";
    out.uploads = uploads_.count();
    const auto state = feeder_.state(*store, &call);
    out.search = state.text;
    out.search_behind = state.behind;
    return out;
}

Result<ports::CollectReport> Service::collect(Call& call, const ports::CollectOptions& options) {
    const auto store = SYMPHONY_TRY(writing(call));
    return to_port(SYMPHONY_TRY(store->collect(from_port(options), progress_of(call))));
}

Result<ports::VerifyReport> Service::verify(Call& call, const ports::VerifyOptions& options) {
    const auto checked = SYMPHONY_TRY(from_port(options));
    const auto store = SYMPHONY_TRY(reading());
    return to_port(SYMPHONY_TRY(store->verify(checked, progress_of(call))));
}

Result<ports::RepairReport> Service::repair(Call& call) {
    return to_port(SYMPHONY_TRY(session_.repair(progress_of(call))));
}

} // namespace symphony::store
