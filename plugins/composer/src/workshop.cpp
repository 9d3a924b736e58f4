// SPDX-License-Identifier: Apache-2.0
#include "workshop.hpp"

#include "rules.hpp"

#include <symphony/packaging/digest.hpp>

#include <algorithm>

namespace symphony::composer {
namespace fs = std::filesystem;
using packaging::Lock;

Result<std::vector<packaging::Registry*>> Workshop::open_registries() {
    packaging::UserRegistries::Options options;
    options.plugin = "composer";
    options.offline = mode_.offline;
    options.cancelled = [this] { return line_.cancelled(); };
    options.note = [this](const std::string& text) { line_.err("note: " + text); };
    auto opened = packaging::UserRegistries::open(line_.host(), line_.about(), options);
    if (!opened && opened.error().reason() == "no-registry") return std::vector<packaging::Registry*>(); // what is not there is told with the plugins that need it
    if (!opened) return std::move(opened).error();
    registries_.emplace(*std::move(opened));
    return registries_->all();
}

Workshop::Workshop(const CommandLine& line, std::string typed, packaging::LockMode mode) : line_(line), typed_(std::move(typed)), mode_(std::move(mode)) {
    file_ = line_.path(typed_);
    lock_file_ = file_;
    lock_file_.replace_extension(".lock");
}

Workshop::~Workshop() = default;

Status Workshop::read_file() {
    std::error_code error;
    if (fs::is_directory(file_, error)) return Error(Code::invalid_argument, "usage", shown(typed_) + " is a folder", "name the file: " + shown((fs::path(typed_) / "distribution.toml").string()));
    auto text = packaging::read_file(file_, distribution_bytes_max);
    if (!text && text.error().code() == Code::not_found) return Error(Code::not_found, "no-such-file", "there is no file \"" + shown(typed_) + "\"", "name a distribution.toml; plugins/composer/docs/distribution.md has one to begin with");
    text_ = SYMPHONY_TRY(std::move(text));
    auto read = read_distribution(text_, typed_);
    problems_ = std::move(read.diagnostics);
    distribution_ = std::move(read.distribution);
    if (distribution_ && distribution_->triples.empty()) distribution_->triples = {line_.about().triple};
    return {};
}

Status Workshop::read_lock() {
    const auto text = packaging::read_file(lock_file_, packaging::lock_bytes_max);
    if (!text && text.error().code() == Code::not_found) return {};
    if (!text) return text.error();
    old_lock_ = SYMPHONY_TRY(packaging::parse_lock(*text, lock_file_.filename().string()));
    return {};
}

/// Folders and package files change while somebody works on them: what is there now is locked anew, unless the lock is to be followed.
Status Workshop::refresh_local() {
    if (!old_lock_ || mode_.locked || mode_.update) return {};
    for (const auto& package : old_lock_->packages) {
        if (!package.registry.empty()) continue;
        const auto* found = SYMPHONY_TRY(inputs_->find(package.id));
        if (found == nullptr || found->releases.empty()) continue;
        const auto now = SYMPHONY_TRY(inputs_->describe(package.id, found->releases.back().version));
        const bool same = std::all_of(now.artifacts.begin(), now.artifacts.end(), [&](const auto& one) { return std::find(package.artifacts.begin(), package.artifacts.end(), one) != package.artifacts.end(); });
        if (now.version == package.version && now.manifest == package.manifest && same) continue;
        mode_.update = true;
        mode_.update_ids.push_back(package.id);
        auto& packages = old_lock_->packages; // what it had of this version is not what anybody has any more
        if (now.version == package.version) {
            auto& old = *std::find_if(packages.begin(), packages.end(), [&](const auto& one) { return one.id == package.id; });
            std::erase_if(old.artifacts, [&](const auto& artifact) { return now.manifest == old.manifest && std::any_of(now.artifacts.begin(), now.artifacts.end(), [&](const auto& one) { return one.triple == artifact.triple; }); });
        }
    }
    return {};
}

Status Workshop::plan() {
    packaging::LockInputs asked;
    asked.wanted = inputs_->wanted(typed_);
    asked.triples = distribution_->triples;
    const auto [major, minor] = line_.abi();
    asked.host = {major, minor, 0, {}, {}};
    const std::string before = old_lock_ ? print(*old_lock_) : std::string();
    SYMPHONY_TRY(refresh_local());
    auto planned = SYMPHONY_TRY(packaging::make_plan(*inputs_, asked, old_lock_ ? &*old_lock_ : nullptr, mode_, [this] { return line_.cancelled(); }));
    if (const auto* conflict = std::get_if<packaging::Conflict>(&planned)) {
        std::string why = to_text(*conflict);
        std::replace(why.begin(), why.end(), '\n', ' ');
        while (why.ends_with(' ')) why.pop_back();
        problems_.push_back({manifests::Severity::error, "conflict", "the plugins do not fit together: " + why, hint_of(*conflict), typed_, 0, 0});
        return {};
    }
    auto& plan = std::get<packaging::Plan>(planned);
    changes_ = std::move(plan.changes);
    for (const auto& package : plan.lock.packages) taken_.push_back(SYMPHONY_TRY(inputs_->take(package)));
    SYMPHONY_TRY(fill_lock(std::move(plan.lock)));
    changed_ = before != print(lock_);
    if (changed_ && mode_.locked) {
        const auto what = old_lock_->policy != lock_.policy ? "policy or settings were changed" : old_lock_->distribution != lock_.distribution ? "it is of " + old_lock_->distribution : "this symphony or a library of this machine is another one";
        return Error(Code::refused, "lock-out-of-date", "the lock does not answer to what is wanted: " + std::string(what), "run it without --locked to bring the lock up to date, and look at what changes");
    }
    return {};
}

/// What a distribution's lock has besides plugins.
Status Workshop::fill_lock(Lock lock) {
    const Lock::Host* known = nullptr;
    if (old_lock_) {
        for (const auto& host : old_lock_->hosts) {
            if (host.triple == line_.about().triple) known = &host;
        }
    }
    host_ = SYMPHONY_TRY(host_files(line_.about().program, line_.about().prefix, line_.about().triple, line_.about().version, taken_, distribution_->libraries, known));
    if (known != nullptr && distribution_->libraries == Libraries::system) {
        const bool same = std::equal(known->libraries.begin(), known->libraries.end(), host_.locked.libraries.begin(), host_.locked.libraries.end(), [](const auto& a, const auto& b) { return a.name == b.name; });
        if (same) host_.locked.libraries = known->libraries;
    }
    lock_ = std::move(lock);
    lock_.distribution = distribution_->name + " " + distribution_->version.text();
    lock_.policy = rules_of(*distribution_).digest();
    lock_.hosts.clear();
    for (const auto& host : old_lock_ ? old_lock_->hosts : std::vector<Lock::Host>()) {
        const bool wanted = std::find(distribution_->triples.begin(), distribution_->triples.end(), host.triple) != distribution_->triples.end();
        if (wanted && host.triple != line_.about().triple) lock_.hosts.push_back(host); // of another machine; no platform is lost by locking again
    }
    lock_.hosts.push_back(host_.locked);
    sort(lock_);
    return {};
}

Status Workshop::prepare() {
    SYMPHONY_TRY(read_file());
    if (!problems_.empty()) return {};
    SYMPHONY_TRY(read_lock());
    publishers_ = SYMPHONY_TRY(packaging::Publishers::load(fs::path(line_.about().config) / "publishers.toml"));
    Surroundings around;
    around.base = file_.parent_path();
    around.prefix = line_.about().prefix;
    around.triple = line_.about().triple;
    around.publishers = &publishers_;
    around.registries = [this] { return open_registries(); };
    around.name_of_registry = [this](const packaging::Registry& registry) { return registries_ ? registries_->name_of(registry) : registry.name(); };
    around.progress = line_.progress("reading plugins");
    inputs_ = std::make_unique<Inputs>(*distribution_, std::move(around));
    SYMPHONY_TRY(inputs_->open(problems_, typed_));
    if (!problems_.empty()) return {};
    SYMPHONY_TRY(plan());
    if (!problems_.empty()) return {};
    const auto version = SYMPHONY_TRY(manifests::Version::parse(line_.about().version));
    composition_.emplace(Composition{*distribution_, typed_, line_.about().triple, version, line_.abi(), lock_, taken_});
    problems_ = check(*composition_);
    return {};
}

Status Workshop::write_lock() const {
    if (!changed_) return {};
    return packaging::Disk().replace_file(lock_file_, print(lock_));
}

Result<Tree> Workshop::assemble() const { return composer::assemble(*composition_, host_, text_, file_.parent_path()); }

} // namespace symphony::composer
