// SPDX-License-Identifier: Apache-2.0
// Writes the seeds of the fuzzers of locks and registries into the folder corpus/ beside it: packaging-make-seeds FOLDER. They are committed.
#include <symphony/packaging/compact_index.hpp>
#include <symphony/packaging/digest.hpp>
#include <symphony/packaging/lock.hpp>
#include <symphony/packaging/registry_files.hpp>

#include <filesystem>
#include <fstream>

namespace {

namespace fs = std::filesystem;
using namespace symphony::packaging;

constexpr const char* key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

void put(const fs::path& path, const std::string& bytes) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
}

IndexLine line(const std::string& version) {
    IndexLine out;
    out.id = "a";
    out.version = version;
    out.abi = "1.2";
    out.host = "^1.0";
    out.needs = {{"b", "^1.2", false}, {"c", ">=1, <3", true}};
    out.provides = {{"operator/1", true}};
    out.uses = {{"search/1", "d"}};
    out.rights = {"read:workspace"};
    out.artifacts = {{"x86_64-linux-gnu", sha256_of("1"), sha256_of("2"), 12}};
    out.manifest = sha256_of("3");
    out.signer = key;
    out.advisories = {"SYM-1"};
    out.name = "a";
    out.description = "Does it";
    out.keywords = {"operator"};
    return out;
}

} // namespace

int main(int argc, char** argv) {
    const fs::path folder = argc > 1 ? argv[1] : ".";
    Lock lock;
    lock.inputs = sha256_of("inputs");
    lock.host_abi = "1.0";
    lock.registries = {{"main", key, 7, "https://plugins.example.org/registry"}};
    lock.packages = {{"a", *symphony::manifests::Version::parse("1.0.0"), "main", sha256_of("a"), key, *symphony::manifests::RightSet::parse("read:workspace\n"), {"b 2.0.0"}, {{"x86_64-linux-gnu", 1, sha256_of("p"), sha256_of("f")}}, "^1.0"},
                     {"b", *symphony::manifests::Version::parse("2.0.0"), "", sha256_of("b"), "", {}, {}, {}}};
    put(folder / "lock/whole", print(lock));
    put(folder / "lock/empty", print(Lock{sha256_of("x"), "1.0", {}, {}}));
    put(folder / "registry/config", "c" + print(RegistryConfig{"main", "Main"}));
    const auto public_key = *PublicKey::parse(key);
    RegistryRoot root{"main", 2, 1'800'000'000, {1, {public_key}}, {1, {public_key}}, {{public_key, "me", {"a.*"}}}, {{public_key, "lost"}}, {{public_key, public_key}}};
    put(folder / "registry/root", "r" + print(root));
    put(folder / "registry/snapshot", "s" + print(RegistrySnapshot{"main", 3, 2, 1'800'000'000, sha256_of("c"), {{"0a", sha256_of("l")}}, {{"SYM-1", sha256_of("a")}}}));
    put(folder / "registry/list", "l" + print(ShardList{{{"a", 10, sha256_of("a")}, {"b", 20, sha256_of("b")}}}));
    put(folder / "registry/advisory", "a" + print(Advisory{"SYM-1", "title", "low", "text", "https://example.org"}));
    put(folder / "registry/index", "i" + print(line("1.0.0")) + print(line("1.1.0-rc.1")) + print(line("1.0.0")));
    put(folder / "registry/time", "t2026-11-27T20:15:00Z");
    put(folder / "registry/address", "whttps://[::1]:8443/registry");
    put(folder / "http/length", "\x02HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    put(folder / "http/chunks", "\x01HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nTrailer: x\r\n\r\n");
    put(folder / "http/end", "\x05HTTP/1.0 200 OK\r\n\r\nhello");
    put(folder / "http/moved", "\x05HTTP/1.1 301 Moved\r\nLocation: https://x\r\nConnection: close\r\n\r\n");
    CompactIndex::Builder builder;
    if (!builder.add("a", {line("1.0.0"), line("1.1.0")})) return 1;
    put(folder / "compact/one", *builder.finish(sha256_of("s")));
    put(folder / "compact/none", *CompactIndex::Builder().finish(sha256_of("s")));
    return 0;
}
