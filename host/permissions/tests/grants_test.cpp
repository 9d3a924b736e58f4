// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace symphony::permissions {
namespace {

using namespace test;

const char* const wishes = "file_access = [\"read:workspace\", \"write:workspace\"]\nnetwork_access = [\"a.example\"]";

/// What the store must do, in a few lines: one grant for each right, and who has which run.
class Model {
public:
    struct Row {
        std::int64_t order = 0;
        Right right;
        Scope scope = Scope::always;
        std::int64_t expires = 0;
        int owner = -1;
    };
    void grant(const Right& right, Scope scope, std::int64_t expires) {
        std::erase_if(rows, [&](const Row& row) { return row.right == right; });
        rows.push_back({++last, right, scope, expires, -1});
    }
    int revoke(const Right* right) {
        return static_cast<int>(std::erase_if(rows, [&](const Row& row) { return right == nullptr || right->covers(row.right); }));
    }
    bool use(int who, const Right& object, std::int64_t now) {
        std::erase_if(rows, [&](const Row& row) { return row.scope == Scope::until && row.expires <= now; });
        Row* best = nullptr;
        const auto rank = [&](const Row& row) { return row.scope == Scope::once ? 2 : row.scope == Scope::run && row.owner < 0 ? 1 : 0; };
        for (Row& row : rows) {
            if (!row.right.covers(object) || (row.owner >= 0 && row.owner != who)) continue;
            if (best == nullptr || rank(row) < rank(*best)) best = &row;
        }
        if (best == nullptr) return false;
        if (best->scope == Scope::run) best->owner = who;
        if (best->scope == Scope::once) std::erase_if(rows, [order = best->order](const Row& row) { return row.order == order; });
        return true;
    }
    void end_run(int who) {
        std::erase_if(rows, [who](const Row& row) { return row.owner == who; });
    }

private:
    std::vector<Row> rows;
    std::int64_t last = 0;
};

TEST(Grants, FollowTheModel) {
    const std::vector<Right> rights{right("read:workspace"), right("read:workspace/docs/**"), right("read:workspace/docs/a"), right("network:a.example:443"), right("network:a.example:80-90")};
    const std::vector<Right> objects{right("read:workspace/docs/a"), right("read:workspace/docs/b"), right("read:workspace/c"), right("network:a.example:443"), right("network:a.example:85"), right("network:a.example:91")};
    for (unsigned seed = 1; seed <= 12; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        const Folder folder;
        const Clock clock;
        const Subject plugin = subject(wishes);
        std::mt19937 random(seed);
        const auto make = [&] {
            auto made = options(folder, clock);
            made.keep_audit = false;
            return std::make_unique<Permissions>(std::move(made));
        };
        std::unique_ptr<Permissions> runs[2] = {make(), make()};
        Model model;
        std::string story;
        for (int step = 0; step < 250; ++step) {
            const int who = static_cast<int>(random() % 2);
            const Right& one = rights[random() % rights.size()];
            const auto choice = random() % 20;
            if (choice < 6) {
                const auto scope = static_cast<Scope>(random() % 4);
                const auto expires = *clock.time + 1 + static_cast<std::int64_t>(random() % 50);
                story += "grant " + one.text() + " " + std::string(name_of(scope)) + "\n";
                ASSERT_TRUE(runs[who]->grant(plugin, one, scope, expires)) << story;
                model.grant(one, scope, expires);
            } else if (choice < 8) {
                const Right* what = random() % 4 == 0 ? nullptr : &one;
                story += "revoke " + (what == nullptr ? "all" : one.text()) + "\n";
                // What has ended may still lie in the file, so only what is seen counts.
                ASSERT_TRUE(runs[who]->revoke(plugin, what)) << story;
                model.revoke(what);
            } else if (choice < 10) {
                *clock.time += static_cast<std::int64_t>(random() % 30);
                story += "time passes\n";
            } else if (choice == 10) {
                story += "run " + std::to_string(who) + " ends\n";
                runs[who].reset();
                runs[who] = make();
                model.end_run(who);
            } else {
                const Right& object = objects[random() % objects.size()];
                runs[who]->refresh();
                story += "use " + std::to_string(who) + " " + object.text() + "\n";
                ASSERT_EQ(runs[who]->check(plugin, object).allowed, model.use(who, object, *clock.time)) << story;
            }
        }
    }
}

TEST(Grants, BindToThePublisher) {
    const Folder folder;
    Subject plugin = subject(wishes);
    Permissions permissions(options(folder));
    plugin.publisher = "key:A";
    ASSERT_TRUE(permissions.grant(plugin, right("read:workspace"), Scope::always));
    EXPECT_TRUE(permissions.check(plugin, right("read:workspace/a")).allowed);
    plugin.publisher = "key:B";
    EXPECT_FALSE(permissions.check(plugin, right("read:workspace/a")).allowed);
    plugin.publisher = "key:A";
    plugin.plugin = "another";
    EXPECT_FALSE(permissions.check(plugin, right("read:workspace/a")).allowed);
}

TEST(Grants, ReachNoFurtherThanTheManifest) {
    const Folder folder;
    const Subject narrow = subject("file_access = [\"read:workspace/docs/**\"]");
    Permissions permissions(options(folder));
    const auto wide = permissions.grant(narrow, right("read:workspace"), Scope::always);
    ASSERT_FALSE(wide);
    EXPECT_EQ(wide.error().reason(), "not-requested");
    ASSERT_TRUE(permissions.grant(narrow, right("read:workspace/docs/**"), Scope::always));
    // The next version asks for more. What was granted stays what it was.
    const Subject broad = subject("file_access = [\"read:workspace\"]");
    EXPECT_TRUE(permissions.check(broad, right("read:workspace/docs/a")).allowed);
    EXPECT_FALSE(permissions.check(broad, right("read:workspace/a")).allowed);
    const Subject none = subject("network_access = [\"a.example\"]");
    EXPECT_FALSE(permissions.check(none, right("read:workspace/docs/a")).allowed) << "granted, but no longer asked for";
}

TEST(Grants, OutliveTheProcessWhenTheyShould) {
    const Folder folder;
    const Subject plugin = subject(wishes);
    {
        Permissions permissions(options(folder));
        ASSERT_TRUE(permissions.grant(plugin, right("read:workspace"), Scope::always));
        ASSERT_TRUE(permissions.grant(plugin, right("write:workspace"), Scope::run));
        EXPECT_TRUE(permissions.check(plugin, right("write:workspace/a")).allowed);
    }
    Permissions permissions(options(folder));
    EXPECT_TRUE(permissions.check(plugin, right("read:workspace/a")).allowed);
    EXPECT_FALSE(permissions.check(plugin, right("write:workspace/a")).allowed) << "that run is over";
}

TEST(Grants, WithoutAStateFolderLastForTheRun) {
    const Subject plugin = subject(wishes);
    const Folder folder;
    folder.write("file", "in the way");
    for (const auto& state : {std::filesystem::path(), folder / "file/state"}) {
        SCOPED_TRACE(state);
        {
            Permissions permissions(options(state));
            EXPECT_EQ(permissions.warnings().size(), 1u);
            EXPECT_FALSE(permissions.check(plugin, right("read:workspace/a")).allowed);
            ASSERT_TRUE(permissions.grant(plugin, right("read:workspace"), Scope::always));
            EXPECT_TRUE(permissions.check(plugin, right("read:workspace/a")).allowed);
            ASSERT_TRUE(permissions.grant(plugin, right("write:workspace"), Scope::once));
            EXPECT_TRUE(permissions.check(plugin, right("write:workspace/a")).allowed);
            EXPECT_FALSE(permissions.check(plugin, right("write:workspace/a")).allowed);
            EXPECT_EQ(permissions.warnings().size(), 1u);
        }
        Permissions permissions(options(state));
        EXPECT_FALSE(permissions.check(plugin, right("read:workspace/a")).allowed);
    }
}

TEST(Grants, OfADamagedFileAreGoneAndTheFileIsKept) {
    const Subject plugin = subject(wishes);
    const std::string noise(8192, 'x');
    for (const std::size_t at : {std::size_t{0}, std::size_t{4096}, std::size_t{100}}) {
        SCOPED_TRACE(at);
        const Folder folder;
        {
            Permissions permissions(options(folder));
            ASSERT_TRUE(permissions.grant(plugin, right("read:workspace"), Scope::always));
        }
        {
            std::fstream file(folder / "permissions.sqlite", std::ios::in | std::ios::out | std::ios::binary);
            file.seekp(static_cast<std::streamoff>(at));
            file.write(noise.data(), static_cast<std::streamsize>(noise.size()));
        }
        Permissions permissions(options(folder));
        EXPECT_FALSE(permissions.check(plugin, right("read:workspace/a")).allowed);
        ASSERT_EQ(permissions.warnings().size(), 1u);
        EXPECT_NE(permissions.warnings()[0].find("permissions.sqlite.damaged-"), std::string::npos) << permissions.warnings()[0];
        bool kept = false;
        for (const auto& file : std::filesystem::directory_iterator(folder)) kept = kept || file.path().filename().string().starts_with("permissions.sqlite.damaged-");
        EXPECT_TRUE(kept);
        ASSERT_TRUE(permissions.grant(plugin, right("read:workspace"), Scope::always));
        EXPECT_TRUE(permissions.check(plugin, right("read:workspace/a")).allowed);
    }
}

TEST(Grants, AreReadableByTheirOwnerOnly) {
    const Folder folder;
    const Permissions permissions(options(folder));
    for (const auto* name : {"permissions.sqlite", "audit.sqlite", "audit.key"}) {
        const auto mode = std::filesystem::status(folder / name).permissions();
        EXPECT_EQ(mode & (std::filesystem::perms::group_all | std::filesystem::perms::others_all), std::filesystem::perms::none) << name;
    }
}

} // namespace
} // namespace symphony::permissions
