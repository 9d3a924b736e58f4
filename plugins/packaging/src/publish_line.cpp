// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/publish.hpp>

#include <symphony/manifests/rights.hpp>
#include <symphony/packaging/digest.hpp>

#include <algorithm>

namespace symphony::packaging {
namespace {

void add_keyword(std::vector<std::string>& to, std::string_view word) {
    constexpr std::size_t keywords_max = 64;
    if (word.empty() || to.size() >= keywords_max || std::find(to.begin(), to.end(), word) != to.end()) return;
    to.emplace_back(word);
}

/// What people may look for: its type, its ports, its operations and its commands.
std::vector<std::string> keywords_of(const manifests::Manifest& manifest) {
    std::vector<std::string> out;
    add_keyword(out, manifests::name_of(manifest.extension.type));
    for (const auto& one : manifest.provides) add_keyword(out, std::string_view(one.port).substr(0, one.port.find('/')));
    for (const auto& one : manifest.operations) add_keyword(out, one.name);
    for (const auto& one : manifest.commands) add_keyword(out, one.name);
    return out;
}

} // namespace

IndexLine index_line_of(const PackageInfo& info, std::string_view sha256, std::uint64_t size_bytes, std::string_view signer) {
    const auto& manifest = info.manifest;
    IndexLine line;
    line.id = info.id();
    line.version = info.version();
    line.abi = std::to_string(manifest.abi.major) + "." + std::to_string(manifest.abi.minor);
    if (manifest.host) line.host = manifest.host->range.text();
    for (const auto& one : manifest.dependencies) line.needs.push_back({one.id, one.range.text(), one.optional});
    std::sort(line.needs.begin(), line.needs.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    for (const auto& one : manifest.provides) line.provides.push_back({one.port, one.exclusive});
    for (const auto& one : manifest.needs) {
        if (!one.optional) line.uses.push_back({one.port, one.provider});
    }
    const auto rights = manifests::RightSet::requested(manifest);
    for (const auto& right : rights.rights()) line.rights.push_back(right.text());
    for (const auto& triple : info.triples) line.artifacts.push_back({triple, std::string(sha256), info.digest, size_bytes});
    line.manifest = sha256_of(info.manifest_text);
    line.signer = signer;
    line.name = manifest.name();
    line.description = manifest.extension.description;
    line.license = manifest.extension.license;
    line.keywords = keywords_of(manifest);
    return line;
}

std::string glance_of(std::string_view id) {
    std::string out;
    for (std::size_t i = 0; i < id.size(); ++i) {
        const char c = id[i];
        const char next = i + 1 < id.size() ? id[i + 1] : '\0';
        if (c == '-' || c == '.') continue;
        if (c == 'r' && next == 'n') {
            out += 'm';
            ++i;
        } else if (c == 'v' && next == 'v') {
            out += 'w';
            ++i;
        } else {
            out += c == '0' ? 'o' : c == '1' || c == 'i' ? 'l' : c == '5' ? 's' : c;
        }
    }
    return out;
}

} // namespace symphony::packaging
