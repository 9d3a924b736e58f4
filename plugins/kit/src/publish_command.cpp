// SPDX-License-Identifier: Apache-2.0
// `publish`: the gate of a registry, and then the package is in it.
#include "gate.hpp"
#include "keys.hpp"
#include "registry_signing.hpp"

#include <symphony/packaging/disk.hpp>

#include <algorithm>

namespace symphony::kit {
namespace {

using packaging::PublicKey;
using packaging::RegistryFolder;

constexpr std::uint64_t signature_bytes_max = 64 * 1024;

/// Whose signature it is: the key that was named, else the one of that number among the person's own and those that the registry knows.
Result<PublicKey> signer_of(const Typed& typed, const packaging::Signature& signature, const RegistryFolder& registry, std::string_view id) {
    if (typed.given("publisher")) return public_key(typed, typed.text("publisher"));
    std::vector<PublicKey> known;
    if (const auto own = public_half(default_key(typed))) known.push_back(*own);
    for (const auto& publisher : registry.root().publishers) known.push_back(publisher.key);
    for (const auto& successor : registry.root().successors) known.push_back(successor.key);
    for (const auto& line : SYMPHONY_TRY(registry.versions(id))) {
        if (const auto key = PublicKey::parse(line.signer)) known.push_back(*key);
    }
    const auto found = std::find_if(known.begin(), known.end(), [&](const PublicKey& key) { return key.id() == signature.key_id; });
    if (found != known.end()) return *found;
    return Error(Code::not_found, "unknown-publisher", "the package is signed with the key " + packaging::text_of(signature.key_id) + ", which is neither yours nor known to the registry",
                 "give the publisher's public key: --publisher KEY");
}

Result<RegistryFolder::Submission> submission_of(const Typed& typed, const RegistryFolder& registry) {
    const auto file = typed.path(typed.text("package"));
    auto bytes = SYMPHONY_TRY(packaging::read_file(file, packaging::package_bytes_max));
    auto text = packaging::read_file(file.string() + ".minisig", signature_bytes_max);
    if (!text && text.error().code() == Code::not_found) {
        return Error(Code::refused, "unsigned", file.string() + " has no signature beside it", "symphony sign " + file.string());
    }
    if (!text) return std::move(text).error();
    const auto info = SYMPHONY_TRY(packaging::read_package(bytes));
    const auto signature = SYMPHONY_TRY(packaging::Signature::parse(*text));
    const auto signer = SYMPHONY_TRY(signer_of(typed, signature, registry, info.id()));
    return RegistryFolder::Submission{std::move(bytes), *std::move(text), signer, typed.on("confusing-name-is-fine")};
}

Data texts(const std::vector<std::string>& list) {
    Data::List out;
    for (const auto& text : list) out.emplace_back(text);
    return Data(std::move(out));
}

/// What is the same whether or not it is done.
void tell(const Typed& typed, const RegistryFolder::Published& done) {
    if (typed.json()) return;
    if (done.previous.empty()) typed.err(done.line.id + " is new here");
    else typed.err("the version before is " + done.previous);
    for (const auto& right : done.line.rights_added) typed.err("asks for more than the version before: " + shown(right));
}

/// Everything that has to hold before anything is written; the cheap things first.
Result<RegistryFolder::Judged> judge(const Typed& typed, const RegistryFolder& registry, RegistryFolder::Submission submission) {
    auto judged = SYMPHONY_TRY(registry.judge(std::move(submission)));
    if (judged.outcome().was_there) return judged;
    const auto level = SYMPHONY_TRY(typed.number("level", 5, 1, 10));
    const WorkFolder work = SYMPHONY_TRY(WorkFolder::make());
    SYMPHONY_TRY(pack_again(judged.submission().package, work.path()));
    SYMPHONY_TRY(hold_to_the_contract(typed, work.path(), level, !typed.on("static")));
    return judged;
}

} // namespace

Result<std::int32_t> publish_command(const Typed& typed) {
    if (!typed.given("to")) return usage("publish where?", "--to FOLDER names a registry; symphony registry create makes one");
    auto registry = SYMPHONY_TRY(open_registry(typed, "to"));
    const auto judged = SYMPHONY_TRY(judge(typed, registry, SYMPHONY_TRY(submission_of(typed, registry))));
    auto done = judged.outcome();
    const bool dry = typed.on("dry-run");
    tell(typed, done);
    if (!dry && !done.was_there) {
        const auto keys = SYMPHONY_TRY(snapshot_keys(typed, registry.root()));
        done = SYMPHONY_TRY(registry.publish(judged, keys.signing()));
    }
    typed.answer(to_json(Data::Map{{"id", done.line.id}, {"version", done.line.version}, {"registry", registry.config().name}, {"published", !dry && !done.was_there}, {"was_there", done.was_there},
                                   {"previous", done.previous.empty() ? Data() : Data(done.previous)}, {"rights_added", texts(done.line.rights_added)}, {"signer", done.line.signer},
                                   {"snapshot", static_cast<std::int64_t>(done.snapshot)}}));
    const std::string title = done.line.id + " " + done.line.version;
    if (done.was_there) typed.out(title + " is in " + registry.config().name + " already, with the same bytes");
    else if (dry) typed.out(title + " would be published in " + registry.config().name);
    else typed.out("published " + title + " in " + registry.config().name + ", snapshot " + std::to_string(done.snapshot));
    return 0;
}

} // namespace symphony::kit
