// SPDX-License-Identifier: Apache-2.0
#include "archive.hpp"

#include "libraries.hpp"
#include "single_file.hpp"
#include "tar.hpp"

#include <symphony/packaging/digest.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

namespace symphony::composer {
namespace {

constexpr std::string_view ar_magic = "!<arch>\n", zstd_magic = "\x28\xB5\x2F\xFD";
constexpr std::size_t ar_header_bytes = 60;

Error not_one(const std::string& what) { return {Code::data_corrupt, "not-a-distribution", what, "name a folder or archive that symphony compose build made"}; }

std::string architecture_of(const std::string& triple) {
    if (triple.starts_with("x86_64-")) return "amd64";
    if (triple.starts_with("aarch64-")) return "arm64";
    return triple.substr(0, triple.find('-'));
}

/// A pre-release is older than its release to dpkg when a tilde parts them.
std::string debian_version(const manifests::Version& version) {
    std::string text = version.text();
    const auto dash = text.find('-');
    if (!version.pre.empty() && dash != std::string::npos) text[dash] = '~';
    std::replace(text.begin(), text.end(), '-', '.'); // in front of the last dash would be an upstream version
    return text;
}

/// What must be installed for the files of the tree to be mapped.
std::string depends_of(const Tree& tree, const TreeFacts& facts) {
    LibraryFinder finder({});
    for (const auto& [path, file] : tree.files()) {
        if (file.bytes.starts_with("\x7F" "ELF")) static_cast<void>(finder.add(path, file.bytes));
    }
    std::map<std::string, std::string> newest;
    if (auto found = finder.find(false)) newest = std::move(found->newest);
    // Which libstdc++6 brought which symbols: GCC's ABI history.
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> releases{{{"3.4.28", "9"}, {"3.4.29", "11"}, {"3.4.30", "12"}, {"3.4.32", "13.1"}, {"3.4.33", "14"}}};
    std::string libstdcxx;
    for (const auto& [symbols, release] : releases) {
        if (libstdcxx.empty() && !is_newer(newest["GLIBCXX"], symbols)) libstdcxx = release;
    }
    std::set<std::string> all{newest["GLIBC"].empty() ? "libc6" : "libc6 (>= " + newest["GLIBC"] + ")", "libgcc-s1", libstdcxx.empty() ? "libstdc++6" : "libstdc++6 (>= " + libstdcxx + ")"};
    for (const auto& host : facts.lock.hosts) {
        if (host.triple != facts.triple || facts.distribution.libraries == Libraries::bundled) continue;
        for (const auto& library : host.libraries) {
            if (!library.package.empty()) all.insert(library.package);
        }
    }
    std::string out;
    for (const auto& one : all) out += (out.empty() ? "" : ", ") + one;
    return out;
}

std::string control_of(const Tree& tree, const TreeFacts& facts) {
    constexpr std::uint64_t kib = 1024;
    const auto& distribution = facts.distribution;
    const std::string about = distribution.description.empty() ? "a distribution of symphony" : distribution.description;
    return "Package: " + distribution.name + "\nVersion: " + debian_version(distribution.version) + "\nArchitecture: " + architecture_of(facts.triple) +
           "\nMaintainer: " + (distribution.maintainer.empty() ? distribution.name + " <nobody@localhost>" : distribution.maintainer) + "\nInstalled-Size: " + std::to_string((tree.bytes() + kib - 1) / kib) +
           "\nDepends: " + depends_of(tree, facts) + "\nSection: misc\nPriority: optional\nDescription: " + about + "\n";
}

/// What `dpkg --verify` compares with. Links have no line, as in Debian's own packages.
Result<std::string> md5sums_of(const Tree& tree, const std::string& place) {
    std::string out;
    for (const auto& [path, file] : tree.files()) out += SYMPHONY_TRY(packaging::md5_of(file.bytes)) + "  " + place + "/" + path + "\n";
    return out;
}

void put_member(std::string& out, std::string name, std::string_view bytes) {
    std::string header = std::move(name);
    const auto field = [&](std::size_t end, const std::string& text) {
        header += text;
        header.resize(end, ' ');
    };
    field(16, ""), field(28, "0"), field(34, "0"), field(40, "0"), field(48, "100644"), field(58, std::to_string(bytes.size()));
    out += header + "`\n";
    out += bytes;
    if (bytes.size() % 2 != 0) out += '\n';
}

Result<std::string> deb_of(const Tree& tree, const TreeFacts& facts) {
    const std::string place = "opt/" + facts.distribution.name;
    Tree control;
    SYMPHONY_TRY(control.add("control", 0644, control_of(tree, facts)));
    SYMPHONY_TRY(control.add("md5sums", 0644, SYMPHONY_TRY(md5sums_of(tree, place))));
    std::string out(ar_magic);
    put_member(out, "debian-binary", "2.0\n");
    put_member(out, "control.tar.zst", SYMPHONY_TRY(tar_of(control, "", Squeeze::zstd)));
    put_member(out, "data.tar.zst", SYMPHONY_TRY(tar_of(tree, "./" + place, Squeeze::zstd, {{"./usr/bin/" + facts.distribution.name, "../../" + place + "/bin/symphony"}})));
    return out;
}

Result<std::string_view> data_of_deb(std::string_view bytes) {
    for (std::size_t at = ar_magic.size(); bytes.size() - at >= ar_header_bytes;) {
        const auto header = bytes.substr(at, ar_header_bytes);
        std::uint64_t size = 0;
        const auto digits = header.substr(48, 10);
        std::from_chars(digits.data(), digits.data() + digits.size(), size);
        at += ar_header_bytes;
        if (size > bytes.size() - at) break;
        if (header.starts_with("data.tar.zst")) return bytes.substr(at, size);
        at = std::min<std::size_t>(at + size + size % 2, bytes.size());
    }
    return not_one("the .deb has no data.tar.zst");
}

/// Without the one folder that all is in: "acme-symphony-3.1.0", or "opt/acme-symphony".
Result<Tree> without_folder(const Tree& tree) {
    std::string prefix;
    for (const auto& [path, file] : tree.files()) {
        if (path.ends_with("/" + std::string(seal_name)) && (prefix.empty() || path.size() < prefix.size() + seal_name.size())) prefix = path.substr(0, path.size() - seal_name.size());
    }
    if (tree.find(seal_name) != nullptr) prefix.clear();
    else if (prefix.empty()) return not_one("there is no " + std::string(seal_name) + " in it");
    Tree out;
    for (const auto& [path, file] : tree.files()) {
        if (!path.starts_with(prefix)) return not_one("the archive has \"" + path + "\" besides the distribution");
        SYMPHONY_TRY(out.add(path.substr(prefix.size()), file.mode, file.bytes));
    }
    return out;
}

} // namespace

Result<TreeFacts> facts_of(const Tree& tree) {
    const auto* text = tree.find("distribution.toml");
    const auto* lock = tree.find("distribution.lock");
    if (text == nullptr || lock == nullptr) return not_one("there is no distribution.toml or no distribution.lock in it");
    auto read = read_distribution(text->bytes, "distribution.toml");
    if (!read.distribution) return not_one(manifests::format(read.diagnostics.front()));
    TreeFacts out;
    out.distribution = *std::move(read.distribution);
    auto parsed = packaging::parse_lock(lock->bytes, "distribution.lock");
    if (!parsed) return not_one(parsed.error().message());
    out.lock = *std::move(parsed);
    // Another platform's programs have other bytes.
    const auto* program = tree.find("bin/symphony");
    for (const auto& host : out.lock.hosts) {
        const bool here = program != nullptr && std::any_of(host.files.begin(), host.files.end(), [&](const auto& one) { return one.path == "bin/symphony" && one.size_bytes == program->bytes.size(); });
        if (here || out.lock.hosts.size() == 1) out.triple = host.triple;
    }
    return out;
}

std::string file_name_of(const TreeFacts& facts, Format format) {
    switch (format) {
    case Format::tree: break;
    case Format::tar_zst: return facts.title() + "-" + facts.triple + ".tar.zst";
    case Format::deb: return facts.distribution.name + "_" + debian_version(facts.distribution.version) + "_" + architecture_of(facts.triple) + ".deb";
    case Format::single_file: return facts.title() + "-" + facts.triple + ".run";
    }
    return facts.title();
}

Result<std::string> archive_of(const Tree& tree, const TreeFacts& facts, Format format) {
    if (format == Format::deb) return deb_of(tree, facts);
    if (format == Format::tar_zst) return tar_of(tree, facts.title(), Squeeze::zstd);
    return single_file_of(facts.title() + " for " + facts.triple, SYMPHONY_TRY(tar_of(tree, "", Squeeze::gzip)));
}

Result<ReadArchive> read_archive(std::string_view bytes) {
    ReadArchive out;
    std::string_view tar = bytes;
    if (bytes.starts_with(ar_magic)) {
        out.format = Format::deb;
        tar = SYMPHONY_TRY(data_of_deb(bytes));
    } else if (const auto payload = payload_of(bytes); !payload.empty()) {
        out.format = Format::single_file;
        tar = payload;
    } else if (!bytes.starts_with(zstd_magic)) {
        return not_one("it is no archive of a distribution");
    }
    out.tree = SYMPHONY_TRY(without_folder(SYMPHONY_TRY(read_tar(tar))));
    return out;
}

} // namespace symphony::composer
