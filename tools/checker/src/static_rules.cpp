// SPDX-License-Identifier: Apache-2.0
#include "static_rules.hpp"

#include "elf.hpp"
#include "library.hpp"
#include "plugin_source.hpp"

#include <symphony/bytes.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <map>
#include <sstream>

namespace symphony::checker {
namespace {

using manifests::CapabilityKind;

/// 2.36 of "GLIBC_2.36": the numbers, of which missing ones are 0.
std::array<unsigned, 3> numbers_of(std::string_view text) {
    std::array<unsigned, 3> out{};
    for (unsigned& number : out) {
        const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (fault != std::errc()) break;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        if (text.empty() || text.front() != '.') break;
        text.remove_prefix(1);
    }
    return out;
}

/// The first version that is newer than the oldest machines have.
std::string beyond_baseline(const host::ElfFacts& facts) {
    constexpr std::pair<std::string_view, std::string_view> newest[] = {{"GLIBC_", "2.36"}, {"GLIBCXX_", "3.4.30"}, {"CXXABI_", "1.3.13"}};
    for (const auto& [library, version] : facts.versions) {
        for (const auto& [prefix, limit] : newest) {
            if (version.starts_with(prefix) && numbers_of(version.substr(prefix.size())) > numbers_of(limit)) {
                return std::string(version) + " of " + std::string(library) + ", which is newer than " + std::string(prefix) + std::string(limit);
            }
        }
    }
    return {};
}

/// What can be had through a host service, by the functions that go around it.
struct Around {
    CapabilityKind kind;
    std::string_view key, service;
    std::vector<std::string_view> functions;
};
const std::vector<Around>& arounds() {
    static const std::vector<Around> all{
        {CapabilityKind::network_access, "network_access", "symphony.host.net/1",
         {"socket", "connect", "bind", "listen", "accept", "accept4", "sendto", "getaddrinfo", "gethostbyname"}},
        {CapabilityKind::process_exec, "process_exec", "no host service: programs are started by the host's own plugins only",
         {"fork", "vfork", "execve", "execv", "execvp", "execl", "execlp", "posix_spawn", "posix_spawnp", "system", "popen", "clone"}},
        {CapabilityKind::file_access, "file_access", "symphony.host.fs/1",
         {"open", "open64", "openat", "openat64", "creat", "fopen", "fopen64", "freopen", "opendir", "unlink", "remove", "rename", "mkdir", "rmdir", "symlink", "link", "truncate"}}};
    return all;
}

/// In the C and C++ run-times of every machine that runs Symphony.
bool is_base(std::string_view library) {
    constexpr std::string_view base[] = {"libc.so.", "libm.so.", "libstdc++.so.", "libgcc_s.so.", "ld-linux", "libpthread.so.", "libdl.so.", "librt.so."};
    return std::any_of(std::begin(base), std::end(base), [library](std::string_view name) { return library.starts_with(name); });
}

class StaticRules {
public:
    explicit StaticRules(const std::filesystem::path& folder) : folder_(folder) {}

    Outcome run() {
        const auto file = host::read_manifest_file(folder_.string(), manifests::Strictness::lint);
        for (const auto& item : file.parsed.diagnostics) {
            if (item.severity == manifests::Severity::error) find("manifest", manifests::format(item), item.hint);
        }
        // What a host would still load is looked at further.
        const auto loaded = host::read_manifest_file(folder_.string(), manifests::Strictness::load);
        if (!loaded.parsed.manifest) {
            out_.stopped = true;
            return std::move(out_);
        }
        const manifests::Manifest& manifest = *loaded.parsed.manifest;
        judge_image(manifest);
        if (const auto* artifact = manifest.find_artifact(SYMPHONY_TRIPLE); artifact != nullptr && !image_unusable_) judge_library(manifest, folder_ / artifact->path);
        return std::move(out_);
    }

private:
    void find(std::string_view rule, std::string message, std::string hint = {}) { out_.findings.push_back({std::string(rule), std::move(message), std::move(hint)}); }

    void judge_image(const manifests::Manifest& manifest) {
        const auto image = host::VerifiedImage::open(manifest, folder_, SYMPHONY_TRIPLE);
        if (image) return;
        const std::string_view reason = image.error().reason();
        out_.stopped = true;
        constexpr std::string_view of_identity[] = {"identity-mismatch", "no-note", "note-corrupt", "abi-major", "abi-minor"};
        if (reason == "extra-export" || reason == "no-entry") {
            find("entry-only", image.error().message(), image.error().hint());
        } else if (std::find(std::begin(of_identity), std::end(of_identity), reason) != std::end(of_identity)) {
            find("identity", image.error().message(), image.error().hint());
        } else {
            image_unusable_ = true;
            find("image", image.error().message(), image.error().hint());
        }
    }

    void judge_library(const manifests::Manifest& manifest, const std::filesystem::path& library) {
        std::ifstream stream(library, std::ios::binary);
        std::ostringstream content;
        content << stream.rdbuf();
        const std::string bytes = std::move(content).str();
        const auto facts = host::read_elf(bytes_of(bytes));
        if (!facts) return; // judge_image said so
        if (facts->text_relocations) find("no-text-relocations", "its code has relocations");
        if (facts->executable_stack) find("no-executable-stack", "it asks for an executable stack");
        judge_search(*facts);
        if (!facts->unique.empty()) {
            find("no-unique-symbols", std::to_string(facts->unique.size()) + " of its symbols are unique to the process, such as " + std::string(facts->unique.front()));
        }
        if (const auto beyond = beyond_baseline(*facts); !beyond.empty()) find("baseline", "it needs " + beyond);
        for (const std::string_view name : facts->needed) {
            if (name.starts_with("libtbb") && manifest.extension.type != manifests::ExtensionType::pit) {
                find("no-own-tbb", "it needs " + std::string(name));
            } else if (!is_base(name) && !name.starts_with("libtbb")) {
                find("base-libraries", "it needs " + std::string(name));
            }
        }
        if (facts->constructors > 1) find("no-constructors", std::to_string(facts->constructors - 1) + " functions beside the compiler's own run while it is mapped");
        judge_imports(manifest, *facts);
    }

    void judge_search(const host::ElfFacts& facts) {
        for (const std::string_view list : facts.search) {
            std::istringstream parts{std::string(list)};
            for (std::string part; std::getline(parts, part, ':');) {
                const bool own = (part == "$ORIGIN" || part.starts_with("$ORIGIN/")) && part.find("..") == std::string::npos;
                if (!own) find("no-search-path", "it looks for libraries in \"" + part + "\"");
            }
        }
    }

    void judge_imports(const manifests::Manifest& manifest, const host::ElfFacts& facts) {
        for (const Around& around : arounds()) {
            std::string found;
            for (const std::string_view name : facts.imports) {
                if (std::find(around.functions.begin(), around.functions.end(), name) != around.functions.end()) found += (found.empty() ? "" : ", ") + std::string(name);
            }
            if (found.empty()) continue;
            const bool asks = std::any_of(manifest.capabilities.begin(), manifest.capabilities.end(), [&](const auto& one) { return one.kind == around.kind; });
            find("stated-rights", "it imports " + found + (asks ? ", beside asking for " : ", and asks for no ") + std::string(around.key),
                 "reach it through " + std::string(around.service) + "; isolated, these functions fail");
        }
    }

    std::filesystem::path folder_;
    Outcome out_;
    bool image_unusable_ = false;
};

} // namespace

Outcome check_static(const std::filesystem::path& folder) { return StaticRules(folder).run(); }

} // namespace symphony::checker
