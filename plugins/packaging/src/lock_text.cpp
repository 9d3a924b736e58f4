// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/lock.hpp>

#include "document.hpp"
#include "words.hpp"

#include <symphony/packaging/digest.hpp>

#include <algorithm>
#include <set>

namespace symphony::packaging {
namespace {

constexpr std::uint64_t format = 1;
constexpr std::string_view scheme = "sha256:";

std::string digest(const std::string& hex) { return std::string(scheme) + hex; }
std::string hex(const std::string& digest_text) { return digest_text.size() > scheme.size() ? digest_text.substr(scheme.size()) : std::string(); }

std::vector<std::string> texts_of(const manifests::RightSet& rights) {
    std::vector<std::string> out;
    for (const auto& right : rights.rights()) out.push_back(right.text());
    return out;
}

void put_package(std::string& out, const Lock::Package& package) {
    out += "\n[[package]]\n";
    put(out, "id", package.id);
    put(out, "version", package.version.text());
    if (!package.asked.empty()) put(out, "asked", package.asked);
    if (!package.registry.empty()) put(out, "registry", package.registry);
    put(out, "manifest", digest(package.manifest));
    if (!package.signer.empty()) put(out, "signer", package.signer);
    put(out, "rights", texts_of(package.rights));
    put(out, "rights_digest", digest(sha256_of(package.rights.text())));
    put(out, "dependencies", package.dependencies);
    for (const auto& artifact : package.artifacts) {
        out += "[[package.artifact]]\n";
        put(out, "triple", artifact.triple);
        put(out, "size", artifact.size_bytes);
        put(out, "sha256", artifact.sha256);
        put(out, "files", artifact.files);
    }
}

void put_host(std::string& out, const Lock::Host& host) {
    out += "\n[[host]]\n";
    put(out, "triple", host.triple);
    put(out, "version", host.version);
    for (const auto& file : host.files) {
        out += "[[host.file]]\n";
        put(out, "path", file.path);
        put(out, "size", file.size_bytes);
        put(out, "sha256", file.sha256);
    }
    for (const auto& library : host.libraries) {
        out += "[[host.library]]\n";
        put(out, "name", library.name);
        put(out, "size", library.size_bytes);
        put(out, "sha256", library.sha256);
        if (!library.package.empty()) put(out, "package", library.package);
        if (!library.version.empty()) put(out, "version", library.version);
    }
}

Lock::Host read_host(Table& table) {
    constexpr std::size_t files_max = 1000;
    constexpr std::string_view digits = "64 hexadecimal digits";
    Lock::Host host;
    host.triple = table.text("triple", is_triple, "a platform such as \"x86_64-linux-gnu\"");
    table.call("host for " + host.triple);
    host.version = table.text("version", is_version, "a version such as \"1.0.0\"");
    std::set<std::string> names;
    for (auto& one : table.tables("file", files_max)) {
        Lock::Host::File file;
        file.path = one.text("path");
        file.size_bytes = one.number("size");
        file.sha256 = one.text("sha256", is_sha256, digits);
        one.done();
        if (!names.insert(file.path).second) table.trouble().tell(one.line(), "duplicate-entry", "the host has " + in_quotes(file.path) + " twice");
        host.files.push_back(std::move(file));
    }
    for (auto& one : table.tables("library", files_max)) {
        Lock::Host::Library library;
        library.name = one.text("name");
        library.size_bytes = one.number("size");
        library.sha256 = one.text("sha256", is_sha256, digits);
        library.package = one.text_or_nothing("package");
        library.version = one.text_or_nothing("version");
        one.done();
        if (!names.insert(library.name).second) table.trouble().tell(one.line(), "duplicate-entry", "the host has " + in_quotes(library.name) + " twice");
        host.libraries.push_back(std::move(library));
    }
    table.done();
    return host;
}

void read_artifacts(Table& table, Lock::Package& package) {
    for (auto& one : table.tables("artifact", 1000)) {
        one.call("artifact of " + package.id);
        Lock::Artifact artifact;
        artifact.triple = one.text("triple", is_triple, "a platform such as \"x86_64-linux-gnu\"");
        artifact.size_bytes = one.number("size");
        artifact.sha256 = one.text("sha256", is_sha256, "64 hexadecimal digits");
        artifact.files = one.text("files", is_sha256, "64 hexadecimal digits");
        one.done();
        const bool twice = std::any_of(package.artifacts.begin(), package.artifacts.end(), [&](const auto& other) { return other.triple == artifact.triple; });
        if (twice) table.trouble().tell(one.line(), "duplicate-entry", package.id + " has two artifacts for " + artifact.triple);
        package.artifacts.push_back(std::move(artifact));
    }
}

void read_rights(Table& table, Lock::Package& package) {
    std::vector<manifests::Right> rights;
    for (const auto& text : table.texts("rights", 10'000)) {
        auto right = manifests::Right::parse(text);
        if (right) rights.push_back(*std::move(right));
        else table.trouble().tell(table.line("rights"), table.at("rights"), right.error());
    }
    package.rights = manifests::RightSet(std::move(rights));
    const auto stated = hex(table.text("rights_digest", is_digest, "\"sha256:\" and 64 hexadecimal digits"));
    if (!table.trouble().any() && stated != sha256_of(package.rights.text())) {
        table.trouble().tell(table.line("rights_digest"), "rights-mismatch", package.id + ": rights_digest is not the digest of rights",
                             "somebody edited the rights; lock again to be asked for them");
    }
}

Lock::Package read_package(Table& table) {
    Lock::Package package;
    package.id = table.text("id", is_id, "an id of lower-case letters, digits, dots and dashes");
    table.call("package " + package.id);
    const auto version = table.text("version");
    if (!table.trouble().any()) {
        auto parsed = manifests::Version::parse(version);
        if (parsed) package.version = *std::move(parsed);
        else table.trouble().tell(table.line("version"), table.at("version"), parsed.error());
    }
    package.asked = table.text_or_nothing("asked");
    if (const auto range = manifests::Range::parse(package.asked); !package.asked.empty() && !range) {
        table.trouble().tell(table.line("asked"), table.at("asked"), range.error());
    }
    package.registry = table.text_or_nothing("registry");
    package.manifest = hex(table.text("manifest", is_digest, "\"sha256:\" and 64 hexadecimal digits"));
    package.signer = table.text_or_nothing("signer");
    if (!package.signer.empty() && !is_key(package.signer)) {
        table.trouble().tell(table.line("signer"), "bad-value", table.at("signer") + ": expected a public key of 56 characters, found " + in_quotes(package.signer));
    }
    read_rights(table, package);
    package.dependencies = table.texts("dependencies");
    read_artifacts(table, package);
    table.done();
    return package;
}

/// That names lead to something, and only once.
void check_names(Trouble& trouble, const Lock& lock) {
    const auto tell = [&](std::string_view reason, const std::string& what) { trouble.tell(0, reason, what, "the lock was edited, or merged by hand: take it as it was written, or lock again"); };
    std::set<std::string_view> registries, packages, hosts;
    std::set<std::string> versions;
    for (const auto& one : lock.registries) {
        if (!registries.insert(one.name).second) tell("duplicate-entry", "registry " + in_quotes(one.name) + " is there twice");
    }
    for (const auto& one : lock.hosts) {
        if (!hosts.insert(one.triple).second) tell("duplicate-entry", "host " + in_quotes(one.triple) + " is there twice");
    }
    for (const auto& one : lock.packages) {
        if (!packages.insert(one.id).second) tell("duplicate-entry", "package " + in_quotes(one.id) + " is there twice");
        versions.insert(one.id + " " + one.version.text());
        if (!one.registry.empty() && !registries.contains(one.registry)) {
            tell("dangling-entry", "package " + one.id + " is from registry " + in_quotes(one.registry) + ", which the lock does not have");
        }
    }
    for (const auto& one : lock.packages) {
        for (std::size_t i = 0; i < one.dependencies.size(); ++i) {
            const auto& dependency = one.dependencies[i];
            if (!versions.contains(dependency)) {
                tell("dangling-entry", "package " + one.id + " depends on " + in_quotes(dependency) + ", which the lock does not have");
            }
            if (i > 0 && one.dependencies[i - 1] == dependency) tell("duplicate-entry", "package " + one.id + " depends twice on " + in_quotes(dependency));
        }
    }
}

bool is_abi(std::string_view text) noexcept {
    const auto dot = text.find('.');
    return dot != std::string_view::npos && is_version(std::string(text) + ".0");
}

} // namespace

std::string print(const Lock& lock) {
    auto sorted = lock;
    sort(sorted);
    std::string out = "# Which plugins are used, exactly. Written by symphony: keep it under version control, and do not edit it.\n";
    put(out, "lock", format);
    put(out, "inputs", digest(sorted.inputs));
    put(out, "host_abi", sorted.host_abi);
    if (!sorted.distribution.empty()) put(out, "distribution", sorted.distribution);
    if (!sorted.policy.empty()) put(out, "policy", digest(sorted.policy));
    for (const auto& one : sorted.registries) {
        out += "\n[[registry]]\n";
        put(out, "name", one.name);
        put(out, "root_key", one.root_key);
        put(out, "snapshot", one.snapshot);
        if (!one.address.empty()) put(out, "address", one.address);
    }
    for (const auto& one : sorted.hosts) put_host(out, one);
    for (const auto& one : sorted.packages) put_package(out, one);
    return out;
}

Result<Lock> parse_lock(std::string_view text, std::string_view file) {
    const auto node = SYMPHONY_TRY(read_toml(text, file, lock_bytes_max));
    Trouble trouble(file);
    Table table(trouble, node);
    const auto version = table.number("lock");
    SYMPHONY_TRY(trouble.status());
    if (version != format) {
        return Error(Code::unsupported, "lock-too-new", std::string(file) + ": is of format " + std::to_string(version) + ", this symphony reads " + std::to_string(format),
                     "update symphony");
    }
    Lock lock;
    lock.inputs = hex(table.text("inputs", is_digest, "\"sha256:\" and 64 hexadecimal digits"));
    lock.host_abi = table.text("host_abi", is_abi, "an ABI such as \"1.0\"");
    lock.distribution = table.text_or_nothing("distribution");
    if (const auto policy = table.text_or_nothing("policy"); !policy.empty()) {
        if (!is_digest(policy)) trouble.tell(table.line("policy"), "bad-value", "key \"policy\": expected \"sha256:\" and 64 hexadecimal digits");
        lock.policy = hex(policy);
    }
    for (auto& one : table.tables("host", 100)) lock.hosts.push_back(read_host(one));
    for (auto& one : table.tables("registry", 100)) {
        Lock::Registry registry;
        registry.name = one.text("name", is_id, "a name of lower-case letters, digits, dots and dashes");
        registry.root_key = one.text("root_key", is_key, "a public key of 56 characters");
        registry.snapshot = one.number("snapshot");
        registry.address = one.text_or_nothing("address");
        one.done();
        lock.registries.push_back(std::move(registry));
    }
    for (auto& one : table.tables("package")) {
        if (trouble.any()) break;
        lock.packages.push_back(read_package(one));
    }
    table.done();
    SYMPHONY_TRY(trouble.status());
    sort(lock);
    check_names(trouble, lock);
    SYMPHONY_TRY(trouble.status());
    return lock;
}

} // namespace symphony::packaging
