// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <map>
#include <set>

namespace symphony::store::test {
namespace {

/// What a store should say, kept in memory.
struct Model {
    struct Artifact {
        std::string content;
        std::set<std::string> tags;
        bool pinned = false;
        std::set<std::string> holders;
    };
    std::map<ContentId, Artifact> artifacts;
    std::map<std::string, std::map<std::uint32_t, ContentId>> names;

    bool named(const ContentId& id) const {
        for (const auto& [name, versions] : names) {
            for (const auto& [version, of] : versions) {
                if (of == id) return true;
            }
        }
        return false;
    }
    void forget(const ContentId& id) {
        artifacts.erase(id);
        for (auto& [name, versions] : names) std::erase_if(versions, [&](const auto& one) { return one.second == id; });
        std::erase_if(names, [](const auto& one) { return one.second.empty(); });
    }
    /// What a collection drops: nothing here has leases or lineage.
    void collect() {
        std::vector<ContentId> loose;
        for (const auto& [id, artifact] : artifacts) {
            if (artifact.tags.empty() && !artifact.pinned && artifact.holders.empty() && !named(id)) loose.push_back(id);
        }
        for (const ContentId& id : loose) forget(id);
    }
};

class Walk {
public:
    Walk(Suite suite, std::uint64_t seed) : rig_(suite, Profile::text), random_(seed) {
        for (std::uint64_t i = 0; i < 12; ++i) {
            const std::size_t size = i == 0 ? 0 : i < 8 ? 50 * i : i < 11 ? 90'000 : 1'300'000;
            texts_.push_back(i % 2 == 0 ? noise(size, i) : prose(size, i));
        }
    }

    void step() {
        rig_.clock->pass(1);
        switch (random_() % 16) {
        case 0: case 1: case 2: case 3: put(); break;
        case 4: case 5: put_named(); break;
        case 6: tag(); break;
        case 7: pin(); break;
        case 8: case 9: remove(); break;
        case 10: refer(); break;
        case 11: case 12: collect(); break;
        case 13: rig_.reopen(); break;
        case 14: rebuild(); break;
        default: stream(); break;
        }
    }
    void compare() {
        ASSERT_EQ(rig_.store->stats()->artifacts, model_.artifacts.size());
        for (const auto& [id, artifact] : model_.artifacts) {
            ASSERT_TRUE(rig_.get(id) == artifact.content) << id.hex() << " " << rig_.get(id).substr(0, 40);
            const auto info = rig_.store->info(id);
            ASSERT_TRUE(info);
            ASSERT_EQ(info->tags, std::vector<std::string>(artifact.tags.begin(), artifact.tags.end()));
            ASSERT_EQ(info->pinned, artifact.pinned);
        }
        for (const auto& [name, versions] : model_.names) {
            const auto history = rig_.store->history(name, 1000);
            ASSERT_TRUE(history);
            ASSERT_EQ(history->size(), versions.size());
            for (const Version& version : *history) ASSERT_EQ(version.id, versions.at(version.version));
        }
        ASSERT_EQ(rig_.store->names("", "", 1000)->items.size(), model_.names.size());
        const auto report = rig_.store->verify({Depth::data}, {});
        ASSERT_TRUE(report) << report.error().message();
        ASSERT_TRUE(report->good()) << report->findings[0].text;
    }

private:
    const std::string& any_text() { return texts_[random_() % texts_.size()]; }
    std::optional<ContentId> any() {
        if (model_.artifacts.empty()) return std::nullopt;
        return std::next(model_.artifacts.begin(), static_cast<std::ptrdiff_t>(random_() % model_.artifacts.size()))->first;
    }
    void put() {
        const std::string& text = any_text();
        model_.artifacts[rig_.put(text)].content = text;
    }
    void put_named() {
        const std::string& text = any_text();
        const std::string name = "name " + std::to_string(random_() % 4);
        const ContentId id = rig_.put_named(name, text);
        model_.artifacts[id].content = text;
        auto& versions = model_.names[name];
        if (versions.empty() || versions.rbegin()->second != id) versions[versions.empty() ? 1 : versions.rbegin()->first + 1] = id;
    }
    void stream() {
        const std::string& text = any_text();
        auto stream = rig_.store->begin_put({});
        ASSERT_TRUE(stream);
        for (std::size_t at = 0; at < text.size(); at += 100'000) {
            ASSERT_TRUE((*stream)->append(bytes_of(std::string_view(text).substr(at, 100'000))));
            if (random_() % 4 == 0) collect();
        }
        if (random_() % 3 == 0) return;
        const auto info = (*stream)->finish();
        ASSERT_TRUE(info) << info.error().message();
        model_.artifacts[info->id].content = text;
    }
    void tag() {
        const auto id = any();
        if (!id) return;
        const std::vector<std::string> tags{"tag " + std::to_string(random_() % 3)};
        auto& known = model_.artifacts[*id].tags;
        if (random_() % 2 == 0) {
            ASSERT_TRUE(rig_.store->tag(*id, tags, {}));
            known.insert(tags[0]);
        } else {
            ASSERT_TRUE(rig_.store->tag(*id, {}, tags));
            known.erase(tags[0]);
        }
    }
    void pin() {
        const auto id = any();
        if (!id) return;
        const bool pinned = random_() % 3 == 0;
        ASSERT_TRUE(rig_.store->set_pinned(*id, pinned));
        model_.artifacts[*id].pinned = pinned;
    }
    void refer() {
        const auto id = any();
        if (!id) return;
        const std::string holder = "holder " + std::to_string(random_() % 2);
        auto& holders = model_.artifacts[*id].holders;
        if (random_() % 2 == 0) {
            ASSERT_TRUE(rig_.store->refer(holder, *id, false));
            holders.insert(holder);
        } else {
            ASSERT_EQ(static_cast<bool>(rig_.store->unrefer(holder, *id)), holders.erase(holder) == 1);
        }
    }
    void remove() {
        const auto id = any();
        if (!id) return;
        const auto& artifact = model_.artifacts[*id];
        const bool held = artifact.pinned || !artifact.holders.empty();
        ASSERT_EQ(static_cast<bool>(rig_.store->remove(*id)), !held);
        if (!held) model_.forget(*id);
    }
    void collect() {
        CollectOptions options;
        options.empty_trash = random_() % 2 == 0;
        options.repack_below = random_() % 2 == 0 ? 0.9 : 0.3;
        const auto report = rig_.store->collect(options, {});
        ASSERT_TRUE(report) << report.error().message();
        model_.collect();
    }
    void rebuild() {
        rig_.close();
        std::filesystem::remove_all(rig_.path() / "index");
        rig_.open();
    }

    Rig rig_;
    std::mt19937_64 random_;
    std::vector<std::string> texts_;
    Model model_;
};

void walk(Suite suite, std::uint64_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed) + " suite " + std::string(name_of(suite)));
    Walk walk(suite, seed);
    for (int i = 0; i < 120; ++i) {
        walk.step();
        if (i % 10 == 9) walk.compare();
        if (testing::Test::HasFatalFailure()) FAIL() << "at step " << i;
    }
}

TEST(Model, TheStoreSaysWhatTheModelSays) {
    const char* given = std::getenv("SYMPHONY_STORE_SEED");
    const std::uint64_t seed = given != nullptr ? std::stoull(given) : 1;
    for (std::uint64_t i = seed; i < seed + 3; ++i) walk(Suite::none, i);
    walk(Suite::aes256_gcm, seed);
    walk(Suite::xchacha20_poly1305, seed + 1);
}

} // namespace
} // namespace symphony::store::test
