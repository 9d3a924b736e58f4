// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "folders.hpp"
#include "digest.hpp"
#include "runtime.hpp"

#include <symphony/manifests/manifest.hpp>
#include <symphony/permissions/permissions.hpp>
#include <symphony/value.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <fstream>
#include <memory>
#include <mutex>

namespace symphony::host::test {

inline std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// Plugins made from the libraries in PROBES: knows how a manifest, a catalog and a runtime go together, so that a test
/// says only what is special about it.
class Rig : public PluginSource {
    TemporaryFolder folder_; // first: the options name it

public:
    /// A plugin of a folder of its own, with a correct manifest. `library` is a file beside the test program.
    manifests::Manifest& add(const std::string& library, const std::string& id = "probe") {
        Slot& slot = slots_.emplace_back();
        manifests::Manifest& m = slot.manifest;
        m.extension.id = m.extension.name = id;
        m.extension.version = *manifests::Version::parse("1.2.3");
        m.provides.push_back({"operator/1", 50, false, {}, {}});
        slot.entry.folder = folder_.path() / ("plugin-" + std::to_string(slots_.size()));
        slot.entry.core = true;
        const std::string bytes = read_file(std::filesystem::path(PROBES) / ("lib" + library + ".so"));
        write_file(slot.entry.folder / "plugin.so", bytes);
        manifests::Artifact artifact;
        artifact.triple = "x86_64-linux-gnu";
        artifact.path = "plugin.so";
        artifact.size_bytes = bytes.size();
        artifact.sha256 = hex(sha256(bytes));
        m.artifacts.push_back(artifact);
        slot.entry.manifest = &m;
        return m;
    }
    PluginEntry& last() { return slots_.back().entry; }

    /// Options that a test may change before run().
    RuntimeOptions options = make_options();
    EffectiveConfig config;
    std::atomic<std::uint64_t> clock_ahead_ns{0};

    Runtime& run() {
        auto made = Runtime::create(*this, options);
        if (!made) std::abort();
        runtime_.emplace(std::move(*made));
        return *runtime_;
    }
    Runtime& runtime() { return *runtime_; }
    void end() { runtime_.reset(); }

    /// Calls one method of operator/1 with one text and gives the answer's text, or "[reason] message".
    std::string call(std::uint32_t method, std::string_view text = "", CallOptions how = {}, std::string_view plugin = {}) {
        const auto port = runtime_->acquire("operator/1", plugin);
        if (!port) return describe(port.error());
        const Buffer argument = Buffer::copy(text);
        const symphony_buf args[] = {argument.to_c()};
        const auto reply = runtime_->call(*port, method, args, how);
        if (!reply) return describe(reply.error());
        return reply->empty() ? "" : std::string((*reply)[0].text());
    }
    static std::string describe(const Error& error) { return "[" + std::string(error.reason()) + "] " + error.message(); }

    PluginStatus status(std::size_t index = 0) const {
        for (const PluginStatus& status : runtime_->status()) {
            if (status.index == index) return status;
        }
        return {};
    }
    std::vector<Event> events() const {
        const std::lock_guard lock(mutex_);
        return events_;
    }
    bool happened(Event::Kind kind, std::string_view reason) const {
        for (const Event& event : events()) {
            if (event.kind == kind && event.reason == reason) return true;
        }
        return false;
    }
    const TemporaryFolder& folder() const { return folder_; }

    // PluginSource
    std::size_t size() const override { return slots_.size(); }
    const PluginEntry& entry(std::size_t at) const override { return slots_[at].entry; }
    std::vector<std::size_t> providers(std::string_view) const override {
        std::vector<std::size_t> all;
        for (std::size_t i = 0; i < slots_.size(); ++i) all.push_back(i);
        return all;
    }
    Result<std::size_t> find(std::string_view name) const override {
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            if (slots_[i].manifest.name() == name) return i;
        }
        return Error(Code::not_found, "unknown-plugin", "no plugin \"" + std::string(name) + "\"");
    }

private:
    struct Slot {
        manifests::Manifest manifest;
        PluginEntry entry;
    };
    RuntimeOptions make_options() {
        RuntimeOptions o;
        o.placement.in_process_all = true;
        o.state_dir = folder_.path() / "state";
        o.cache_dir = folder_.path() / "cache";
        o.start_timeout = std::chrono::seconds(20);
        o.cancel_grace = std::chrono::seconds(20);
        o.config = [this](const PluginEntry&) -> Result<EffectiveConfig> { return config; };
        o.on_event = [this](const Event& event) {
            const std::lock_guard lock(mutex_);
            events_.push_back(event);
        };
        o.now_ns = [this] {
            const auto now = std::chrono::steady_clock::now().time_since_epoch();
            return static_cast<std::uint64_t>(std::chrono::nanoseconds(now).count()) + clock_ahead_ns.load();
        };
        return o;
    }

    std::deque<Slot> slots_;
    mutable std::mutex mutex_;
    std::vector<Event> events_;
    std::optional<Runtime> runtime_; // first to go
};

/// The first plugin of a rig, as people who grant speak of it.
inline permissions::Subject subject_of(const Rig& rig) {
    permissions::Subject made;
    const auto& manifest = *rig.entry(0).manifest;
    made.plugin = made.name = manifest.id();
    made.request = permissions::Request::of(manifest, "manifest.toml");
    return made;
}

/// A configuration with one text key "mode", which the probe reads.
inline EffectiveConfig mode(std::string_view name) {
    EffectiveConfig out;
    const Value values = ValueBuilder().map().add("mode", name).end().build();
    out.values = std::string(text_of(values.bytes()));
    return out;
}

/// A plugin calls another one, by a handle that it keeps, until the grant for that is taken back.
inline void expect_calls_end_with_their_grant(Rig& rig) {
    using testing::StartsWith;
    rig.add("probe").needs.push_back({"operator/1", false, manifests::Cardinality::many, "", {}});
    rig.add("other", "other");
    permissions::Permissions::Options kept;
    kept.state_dir = rig.folder().path() / "state";
    permissions::Permissions permissions(std::move(kept));
    rig.options.permissions = &permissions;
    rig.run();
    const auto keep_and_call = [&] { return rig.call(31, "other", {}, "probe"); };
    EXPECT_THAT(keep_and_call(), StartsWith("[not-granted] plugin \"probe\": may not call the plugin other"));
    const auto right = manifests::right_to_call("other");
    ASSERT_TRUE(permissions.grant(subject_of(rig), right, permissions::Scope::always));
    EXPECT_EQ(keep_and_call(), "other");
    EXPECT_EQ(keep_and_call(), "other") << "by the same handle";
    ASSERT_TRUE(permissions.revoke(subject_of(rig), &right));
    EXPECT_THAT(keep_and_call(), StartsWith("[stale-port]"));
    EXPECT_THAT(rig.call(14, "other", {}, "probe"), StartsWith("[not-granted]"));
    rig.end(); // before the permissions
}

} // namespace symphony::host::test
