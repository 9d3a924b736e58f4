// SPDX-License-Identifier: Apache-2.0
#include "candidate.hpp"

#include <symphony/manifests/extensions.hpp>

#include <algorithm>
#include <sstream>

namespace symphony::packages {
namespace fs = std::filesystem;
using packaging::PublicKey;
namespace {

constexpr std::uint64_t signature_bytes_max = 64 * 1024;

Result<Candidate> of_folder(const CommandLine& line, const std::string& typed, Candidate out) {
    auto packed = packaging::pack(line.path(typed), line.about().triple);
    if (!packed) return std::move(packed).error().in(shown(typed));
    out.bytes = std::move(packed->bytes);
    out.info = std::move(packed->info);
    return out;
}

Result<Candidate> of_file(const CommandLine& line, const std::string& typed, Candidate out) {
    std::error_code error;
    const fs::path file = fs::canonical(line.path(typed), error); // a link that the person typed is meant
    auto bytes = packaging::read_file(error ? line.path(typed) : file, packaging::package_bytes_max);
    if (!bytes) return std::move(bytes).error();
    out.bytes = *std::move(bytes);
    auto info = packaging::read_package(out.bytes, nullptr, line.progress("reading " + shown(typed)));
    if (!info) return std::move(info).error().in(shown(typed));
    out.info = *std::move(info);
    const auto signature = packaging::read_file(line.path(typed + ".minisig"), signature_bytes_max);
    if (!signature && signature.error().code() != Code::not_found) return signature.error();
    if (!signature) return out;
    auto read = packaging::Signature::parse(*signature);
    if (!read) return std::move(read).error().in(shown(typed) + ".minisig");
    out.signature = *std::move(read);
    return out;
}

/// As the host tells it. A word that is not known is of a newer host, and may mean anything.
manifests::ExtensionRule extension_rule(const About& about) {
    manifests::ExtensionRule out;
    const auto& words = manifests::extension_words;
    const auto found = std::find(words.begin(), words.end(), about.extensions);
    if (!about.extensions.empty()) out.which = found == words.end() ? manifests::Extensions::none : static_cast<manifests::Extensions>(found - words.begin());
    out.file = about.extensions_rule;
    if (about.publishers.empty()) return out;
    out.publishers.emplace();
    std::istringstream keys(about.publishers);
    for (std::string key; keys >> key;) out.publishers->push_back(key);
    return out;
}

} // namespace

bool is_path(const CommandLine& line, const std::string& typed) {
    std::error_code error;
    return typed.find('/') != std::string::npos || typed.ends_with(".sympkg") || fs::exists(line.path(typed), error);
}

Result<Candidate> candidate_of(const CommandLine& line, const std::string& typed) {
    Candidate candidate;
    candidate.typed = typed;
    candidate.source = line.path(typed).string();
    std::error_code error;
    const auto state = fs::status(line.path(typed), error);
    if (state.type() == fs::file_type::not_found) {
        return Error(Code::not_found, "no-such-package", "there is no file or folder \"" + shown(typed) + "\"", "name a .sympkg file, or the folder of a built plugin");
    }
    auto made = state.type() == fs::file_type::directory ? of_folder(line, typed, std::move(candidate)) : of_file(line, typed, std::move(candidate));
    if (made) made->asked = manifests::Range::parse(made->info.version()).value_or({}).text();
    return made;
}

Status check_open(const CommandLine& line) { return extension_rule(line.about()).check_open(); }

Status check_welcome(const CommandLine& line, const packaging::PackageInfo& info, const std::string& signer) { return extension_rule(line.about()).check(info.id(), signer); }

Status check_fits(const CommandLine& line, const packaging::PackageInfo& info) {
    const auto& manifest = info.manifest;
    const std::string name = "plugin \"" + info.id() + "\" " + info.version();
    const auto [major, minor] = line.abi();
    const std::string abi = std::to_string(major) + "." + std::to_string(minor);
    if (manifest.abi.major != major || manifest.abi.minor > minor) {
        return Error(Code::abi_mismatch, "abi-mismatch", name + " needs ABI " + std::to_string(manifest.abi.major) + "." + std::to_string(manifest.abi.minor) + ", and this host offers " + abi,
                     manifest.abi.major > major || manifest.abi.major == major ? "update symphony, or install an older version of the plugin" : "ask its author for a version for this host");
    }
    const auto offered = manifests::Version::parse(abi + ".0");
    if (manifest.host && offered && !manifest.host->range.contains(*offered)) {
        return Error(Code::abi_mismatch, "wrong-host", name + " wants symphony-core " + manifest.host->range.text() + ", and this host offers " + abi, "install another version of the plugin");
    }
    for (const auto& triple : info.triples) {
        if (triple == line.about().triple) return {};
    }
    return Error(Code::refused, "wrong-platform", name + " is for " + info.triples.front() + ", and this machine is " + line.about().triple, "get its package for " + line.about().triple);
}

Result<std::optional<PublicKey>> signer_of(const Candidate& candidate, const packaging::Publishers& publishers, const std::optional<PublicKey>& offered, bool allow_unsigned) {
    const auto& id = candidate.info.id();
    // What is held was verified when it came. What may have changed since is whom the user trusts.
    if (candidate.held && candidate.offered && !candidate.succeeds) return std::optional(SYMPHONY_TRY(publishers.key_for(id, candidate.offered->id(), candidate.offered)));
    if (candidate.held && candidate.offered) return candidate.offered;
    if (!candidate.signature) {
        if (const auto* pinned = publishers.pinned(id)) {
            return Error(Code::refused, "publisher-changed", shown(candidate.typed) + ": plugin \"" + id + "\" was signed with the key " + pinned->key.text() + " so far, and now by nobody",
                         "get the .minisig file that belongs to the package; to start anew, without its settings and data: symphony remove " + id + " --purge");
        }
        if (!allow_unsigned) {
            return Error(Code::refused, "unsigned", shown(candidate.typed) + ": nobody signed plugin \"" + id + "\"",
                         "put its .minisig beside it, or install it all the same, to run isolated: --allow-unsigned");
        }
        return std::optional<PublicKey>();
    }
    auto key = candidate.succeeds ? Result<PublicKey>(*candidate.offered)
                                  : publishers.key_for(id, candidate.signature->key_id, offered || publishers.pinned(id) != nullptr ? offered : candidate.offered);
    if (!key) return std::move(key).error().in(shown(candidate.typed));
    if (auto good = verify(*key, *candidate.signature, candidate.bytes); !good) return std::move(good).error().in(shown(candidate.typed));
    auto claim = packaging::PackageClaim::parse(candidate.signature->trusted_comment);
    if (!claim) return std::move(claim).error().in(shown(candidate.typed));
    if (auto same = claim->matches(candidate.info.claim()); !same) return std::move(same).error().in(shown(candidate.typed));
    return std::optional(*key);
}

} // namespace symphony::packages
