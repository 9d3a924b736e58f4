// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/digest.hpp>
#include <symphony/packaging/lock.hpp>
#include <symphony/packaging/signature.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace symphony::packaging {
namespace {

using ::testing::HasSubstr;

std::string some_key() { return SecretKey::generate()->public_key().text(); }

Lock::Package package(const std::string& id, const std::string& version, std::vector<std::string> dependencies = {}) {
    Lock::Package out;
    out.id = id;
    out.version = *manifests::Version::parse(version);
    out.registry = "main";
    out.manifest = sha256_of(id + version);
    out.dependencies = std::move(dependencies);
    for (const auto* triple : {"x86_64-linux-gnu", "aarch64-linux-gnu"}) out.artifacts.push_back({triple, 1234, sha256_of(id + triple), sha256_of(triple)});
    return out;
}

/// The same for one seed but for its order.
Lock some_lock(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    Lock lock;
    lock.inputs = sha256_of(std::to_string(seed));
    lock.host_abi = "1.0";
    lock.registries = {{"main", "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3", 4182, "https://plugins.example.org/registry"}, {"acme", "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3", 1}};
    if (random() % 2 == 0) {
        lock.distribution = "acme-symphony 3.1.0";
        lock.policy = sha256_of("policy");
        for (const auto* triple : {"x86_64-linux-gnu", "aarch64-linux-gnu"}) {
            lock.hosts.push_back({triple, "1.0.0", {{"bin/symphony", 10, sha256_of("a")}, {"bin/symphony-runner", 11, sha256_of("b")}}, {{"libz.so.1", 12, sha256_of("z"), "zlib1g", "1:1.2"}, {"liba.so.2", 13, sha256_of("l"), "", ""}}});
        }
    }
    const auto count = 1 + random() % 8;
    for (std::size_t i = 0; i < count; ++i) {
        lock.packages.push_back(package("org.example.p" + std::to_string(i), std::to_string(random() % 3) + ".0." + std::to_string(random() % 100)));
        auto& made = lock.packages.back();
        for (std::size_t j = 0; j < i; ++j) {
            if (random() % 2 == 0) made.dependencies.push_back(lock.packages[j].id + " " + lock.packages[j].version.text());
        }
        if (random() % 2 == 0) made.rights = *manifests::RightSet::parse("read:workspace\nnetwork:api.example.com:443\n");
        if (random() % 2 == 0) made.signer = lock.registries[0].root_key;
        if (random() % 4 == 0) made.registry.clear();
        if (random() % 2 == 0) made.asked = "^" + made.version.text();
    }
    return lock;
}

void shuffle(Lock& lock, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::shuffle(lock.registries.begin(), lock.registries.end(), random);
    std::shuffle(lock.packages.begin(), lock.packages.end(), random);
    std::shuffle(lock.hosts.begin(), lock.hosts.end(), random);
    for (auto& one : lock.hosts) {
        std::shuffle(one.files.begin(), one.files.end(), random);
        std::shuffle(one.libraries.begin(), one.libraries.end(), random);
    }
    for (auto& one : lock.packages) {
        std::shuffle(one.dependencies.begin(), one.dependencies.end(), random);
        std::shuffle(one.artifacts.begin(), one.artifacts.end(), random);
    }
}

TEST(Lock, ReadsWhatItWrote) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        auto lock = some_lock(seed);
        const auto text = print(lock);
        const auto read = parse_lock(text, "symphony.lock");
        ASSERT_TRUE(read) << read.error().message();
        sort(lock);
        EXPECT_EQ(*read, lock);
        EXPECT_EQ(print(*read), text);
    }
}

TEST(Lock, HasTheSameBytesInWhateverOrderItIsMade) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        auto shuffled = some_lock(seed);
        shuffle(shuffled, seed);
        EXPECT_EQ(print(shuffled), print(some_lock(seed)));
        EXPECT_EQ(print(shuffled).find('\r'), std::string::npos);
    }
}

TEST(Lock, ReadsItsTablesInAnyOrder) {
    const std::string text = print(some_lock(5));
    const auto packages = text.find("\n[[package]]"), registries = text.find("\n[[registry]]");
    const auto swapped = text.substr(0, registries) + text.substr(packages) + text.substr(registries, packages - registries);
    const auto read = parse_lock(swapped, "symphony.lock");
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(print(*read), text);
}

TEST(Lock, LosesNoPlatformByBeingMadeAgain) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        const auto known = some_lock(seed);
        auto again = known;
        for (auto& one : again.packages) {
            one.artifacts.erase(one.artifacts.begin() + static_cast<std::ptrdiff_t>(seed % 2));
            one.artifacts.push_back({"riscv64-linux-gnu", 99, sha256_of("riscv"), sha256_of("files")});
        }
        ASSERT_TRUE(keep_platforms(again, known));
        for (const auto& before : known.packages) {
            const auto* now = again.find(before.id);
            ASSERT_NE(now, nullptr);
            EXPECT_EQ(now->artifacts.size(), 3u);
            for (const auto& artifact : before.artifacts) EXPECT_THAT(now->artifacts, ::testing::Contains(artifact));
        }
    }
}

TEST(Lock, RefusesOtherBytesUnderTheSameVersion) {
    const auto known = some_lock(1);
    auto again = known;
    again.packages[0].artifacts[0].sha256 = sha256_of("other");
    auto kept = keep_platforms(again, known);
    ASSERT_FALSE(kept);
    EXPECT_EQ(kept.error().reason(), "digest-changed");
    EXPECT_THAT(kept.error().message(), HasSubstr("x86_64-linux-gnu"));

    again = known;
    again.packages[0].registry = "main";
    auto from_registry = known;
    from_registry.packages[0].registry = "main";
    again.packages[0].manifest = sha256_of("other");
    kept = keep_platforms(again, from_registry);
    ASSERT_FALSE(kept);
    EXPECT_EQ(kept.error().reason(), "digest-changed");
}

TEST(Lock, DigestsWhatIsAskedForAndNothingElse) {
    LockInputs asked{{{"a", *manifests::Range::parse("^1"), "profile.toml:3"}, {"b", *manifests::Range::parse("*"), ""}}, {"x86_64-linux-gnu"}, {1, 0, 0, {}, {}}, {}};
    std::vector<Lock::Registry> registries{{"main", some_key(), 1}};
    const auto digest = digest_of_inputs(asked, registries);
    auto same = asked;
    std::swap(same.wanted[0], same.wanted[1]);
    same.wanted[0].place = "elsewhere:9";
    auto later = registries;
    later[0].snapshot = 2;
    later[0].root_key = some_key();
    EXPECT_EQ(digest_of_inputs(same, later), digest);

    const auto differs = [&](auto&& edit) {
        auto other = asked;
        auto other_registries = registries;
        edit(other, other_registries);
        return digest_of_inputs(other, other_registries) != digest;
    };
    EXPECT_TRUE(differs([](LockInputs& other, auto&) { other.wanted[0].range = *manifests::Range::parse("^1.1"); }));
    EXPECT_TRUE(differs([](LockInputs& other, auto&) { other.wanted.pop_back(); }));
    EXPECT_TRUE(differs([](LockInputs& other, auto&) { other.triples.push_back("aarch64-linux-gnu"); }));
    EXPECT_TRUE(differs([](LockInputs& other, auto&) { other.host.minor = 1; }));
    EXPECT_TRUE(differs([](LockInputs& other, auto&) { other.ports.push_back("pool/1"); }));
    EXPECT_TRUE(differs([](LockInputs&, auto& other) { other[0].name = "other"; }));
}

// ---- bad locks

struct Edit {
    std::string from, to, reason, message;
};

TEST(Lock, SaysWhatIsWrongAndWhere) {
    Lock lock;
    lock.inputs = sha256_of("inputs");
    lock.host_abi = "1.0";
    lock.registries = {{"main", "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3", 7}};
    lock.packages = {package("a", "1.0.0", {"b 2.0.0"}), package("b", "2.0.0")};
    lock.packages[0].rights = *manifests::RightSet::parse("read:workspace\n");
    const auto good = print(lock);
    ASSERT_TRUE(parse_lock(good, "symphony.lock")) << parse_lock(good, "symphony.lock").error().message();
    for (const auto& edit : std::vector<Edit>{
             {"lock = 1", "lock = 2", "lock-too-new", "symphony.lock: is of format 2, this symphony reads 1"},
             {"lock = 1\n", "", "missing-key", "has no key \"lock\""},
             {"lock = 1", "lock = \"1\"", "wrong-type", "symphony.lock:2: key \"lock\": expected a number, found text"},
             {"inputs = \"sha256:", "inputs = \"md5:", "bad-value", "key \"inputs\": expected \"sha256:\" and 64 hexadecimal digits"},
             {"host_abi = \"1.0\"", "host_abi = \"one\"", "bad-value", "host_abi"},
             {"snapshot = 7", "snapshot = -7", "bad-value", "expected a number from 0 up, found -7"},
             {"root_key = \"RW", "root_key = \"XX", "bad-value", "root_key"},
             {"version = \"1.0.0\"", "version = \"1.0\"", "bad-version", "symphony.lock:13: package a: key \"version\""},
             {"id = \"a\"", "id = \"A b\"", "bad-value", "expected an id"},
             {"id = \"b\"", "id = \"a\"", "duplicate-entry", "package \"a\" is there twice"},
             {"\"b 2.0.0\"", "\"b 2.1.0\"", "dangling-entry", "package a depends on \"b 2.1.0\", which the lock does not have"},
             {"registry = \"main\"", "registry = \"other\"", "dangling-entry", "registry \"other\""},
             {"rights = [\"read:workspace\"]", "rights = []", "rights-mismatch", "rights_digest is not the digest of rights"},
             {"rights = [\"read:workspace\"]", "rights = [\"fly\"]", "bad-right", "package a: key \"rights\""},
             {"triple = \"x86_64-linux-gnu\"", "triple = \"aarch64-linux-gnu\"", "duplicate-entry", "two artifacts for aarch64-linux-gnu"},
             {"size = 1234", "weight = 1234", "missing-key", "artifact of a: has no key \"size\""},
             {"id = \"a\"", "id = \"a\"\nasked = \"newest\"", "bad-range", "package a: key \"asked\""},
             {"id = \"a\"", "id = \"a\"\ncolour = \"red\"", "unknown-key", "package a: unknown key \"colour\""},
             {"[[package]]", "<<<<<<< HEAD\n[[package]]", "conflict-markers", "conflict markers"},
             {"[[package]]", "[package", "bad-syntax", "symphony.lock:"}}) {
        SCOPED_TRACE(edit.from + " -> " + edit.to);
        auto text = good;
        const auto at = text.find(edit.from);
        ASSERT_NE(at, std::string::npos);
        text.replace(at, edit.from.size(), edit.to);
        const auto read = parse_lock(text, "symphony.lock");
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error().reason(), edit.reason);
        EXPECT_THAT(read.error().message(), HasSubstr(edit.message));
    }
}

} // namespace
} // namespace symphony::packaging
