// SPDX-License-Identifier: Apache-2.0
#include <symphony/permissions/permissions.hpp>

#include "snapshot.hpp"
#include "watch.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_map>

namespace symphony::permissions {
namespace {

constexpr int denials_max = 2; // then nobody is asked any more

std::int64_t wall_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
};

/// The store, as checks read it.
struct View {
    /// By plugin. Lasting grants first, then those that a use claims.
    std::unordered_map<std::string, std::vector<Grant>, Hash, std::equal_to<>> grants;
    std::vector<Contents::Denial> denials;
    std::vector<Consent> consents;
    std::int64_t next_end_ms = 0; ///< of a grant; 0: none ends

    friend bool same(const View& a, const View& b) {
        const auto equal = [](const Grant& x, const Grant& y) { return x.id == y.id && x.right == y.right && x.publisher == y.publisher && x.scope == y.scope && x.expires_ms == y.expires_ms; };
        if (a.grants.size() != b.grants.size()) return false;
        return std::all_of(a.grants.begin(), a.grants.end(), [&](const auto& one) {
            const auto other = b.grants.find(one.first);
            return other != b.grants.end() && std::equal(one.second.begin(), one.second.end(), other->second.begin(), other->second.end(), equal);
        });
    }
};

bool needs_claim(const Grant& grant) noexcept { return grant.scope == Scope::once || (grant.scope == Scope::run && grant.id > 0 && grant.run.empty()); }

std::unique_ptr<const View> view_of(Contents contents) {
    auto view = std::make_unique<View>();
    for (Grant& grant : contents.grants) {
        if (grant.scope == Scope::until && (view->next_end_ms == 0 || grant.expires_ms < view->next_end_ms)) view->next_end_ms = grant.expires_ms;
        view->grants[grant.plugin].push_back(std::move(grant));
    }
    for (auto& [plugin, grants] : view->grants) {
        std::stable_sort(grants.begin(), grants.end(), [](const Grant& a, const Grant& b) {
            const auto rank = [](const Grant& grant) { return grant.scope == Scope::once ? 2 : needs_claim(grant) ? 1 : 0; };
            return rank(a) < rank(b);
        });
    }
    view->denials = std::move(contents.denials);
    view->consents = std::move(contents.consents);
    return view;
}

std::string grant_rule(const Grant& grant) {
    return std::string(grant.scope == Scope::once ? "once:" : grant.id < 0 ? "run:" : "grant:") + std::to_string(grant.id < 0 ? -grant.id : grant.id);
}

std::string who(const Subject& subject) { return "plugin \"" + (subject.name.empty() ? subject.plugin : subject.name) + "\""; }
const std::string& typed(const Subject& subject) { return subject.name.empty() ? subject.plugin : subject.name; }

/// A right as one word of a shell.
std::string shell_word(const std::string& text) {
    const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != '\0' && std::string_view("_-.:/,@%+=").find(c) != std::string_view::npos);
    });
    if (plain && !text.empty()) return text;
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

std::string_view key_of(const Right& right) noexcept {
    using manifests::CapabilityKind;
    for (const auto kind : {CapabilityKind::model_access, CapabilityKind::network_access, CapabilityKind::file_access, CapabilityKind::process_exec,
                            CapabilityKind::system_access, CapabilityKind::ipc_access}) {
        if (manifests::kind_of(kind) == right.kind()) return name_of(kind);
    }
    return {};
}

/// As a manifest writes it.
std::string value_of(const Right& right) {
    return right.kind() == manifests::RightKind::file ? right.text() : right.text().substr(right.text().find(':') + 1);
}

} // namespace

struct Permissions::Impl {
    Options options;
    Store store;
    std::optional<Audit> audit;
    Snapshot<View> view;
    std::mutex reload_mutex;

    std::mutex ask_mutex;
    std::map<std::pair<std::string, std::string>, Answer> asked; // plugin and right, this run

    std::mutex callbacks_mutex;
    std::recursive_mutex calling;
    std::map<std::uint64_t, std::function<void()>> callbacks;
    std::uint64_t next_callback = 1;
    std::optional<Watch> watch; // last: its thread uses all of the above

    explicit Impl(Options given)
        : options(std::move(given)), store(options.state_dir, [this] { return now(); }), view(load()) {
        if (options.keep_audit) audit.emplace(Audit::Options{.state_dir = options.state_dir, .now_ms = options.now_ms, .bytes_max = options.policy.audit_bytes_max()});
        if (options.watch) {
            watch.emplace(store.persistent() ? options.state_dir : std::filesystem::path(), "permissions.sqlite", [this] { return look(); });
        }
    }

    std::int64_t now() const { return options.now_ms ? options.now_ms() : wall_ms(); }
    /// By the distribution, and the policy lets that count.
    bool vouched(const Subject& subject) const noexcept { return subject.trusted && options.policy.preset() != Preset::strict; }

    std::unique_ptr<const View> load() {
        auto contents = store.read();
        if (!contents) contents = store.read(); // a damaged file was just replaced by an empty one
        return view_of(contents ? *std::move(contents) : Contents{}); // what cannot be read grants nothing
    }
    void reload(bool tell) {
        bool changed = false;
        {
            const std::lock_guard lock(reload_mutex);
            auto next = load();
            changed = !same(*Snapshot<View>::Reader(view), *next);
            view.replace(std::move(next));
        }
        if (changed && tell) call_back();
        if (watch) watch->wake();
    }
    void call_back() {
        const std::lock_guard calls(calling);
        std::vector<std::uint64_t> ids;
        {
            const std::lock_guard lock(callbacks_mutex);
            for (const auto& [id, function] : callbacks) ids.push_back(id);
        }
        for (const auto id : ids) {
            std::function<void()> function;
            {
                const std::lock_guard lock(callbacks_mutex);
                const auto found = callbacks.find(id);
                if (found != callbacks.end()) function = found->second;
            }
            if (function) function();
        }
    }
    /// On the watching thread. @return When to look again.
    std::int64_t look() {
        const auto end = [this] { return Snapshot<View>::Reader(view)->next_end_ms; };
        if (store.changed() || (end() != 0 && end() <= now())) {
            bool changed = false;
            {
                const std::lock_guard lock(reload_mutex);
                auto next = load();
                changed = !same(*Snapshot<View>::Reader(view), *next);
                view.replace(std::move(next));
            }
            if (changed) call_back();
        }
        const auto next = end();
        return next == 0 ? -1 : std::max<std::int64_t>(0, next - now());
    }

    /// What decides, before any text is made of it.
    struct Found {
        enum class By : std::uint8_t { nobody_asked, policy, grant } by = By::nobody_asked;
        Verdict verdict;
        std::optional<Grant> claim;   // must be claimed before it counts
        std::string rule;
        bool allowed = false;
        bool open = false;            // a grant would do
    };
    Found find(const Subject& subject, const Right& right) const {
        Found found;
        if (!subject.request || !subject.request->rights().covers(right)) {
            found.rule = "manifest";
            return found;
        }
        found.verdict = options.policy.judge(subject, right);
        found.by = Found::By::policy;
        if (found.verdict.kind != Verdict::Kind::open) {
            found.allowed = found.verdict.kind == Verdict::Kind::allowed;
            found.rule = options.policy.rule_id(found.verdict);
            return found;
        }
        {
            const Snapshot<View>::Reader reader(view);
            const auto grants = reader->grants.find(std::string_view(subject.plugin));
            const std::int64_t time = reader->next_end_ms != 0 ? now() : 0;
            if (grants != reader->grants.end()) {
                std::vector<Right> lasting;
                for (const Grant& grant : grants->second) {
                    if (grant.publisher != subject.publisher || (grant.scope == Scope::until && grant.expires_ms <= time)) continue;
                    if (grant.right.covers(right)) {
                        found.by = Found::By::grant;
                        found.allowed = true;
                        found.rule = grant_rule(grant);
                        if (needs_claim(grant) || grant.scope == Scope::once) found.claim = grant;
                        return found;
                    }
                    if (!right.is_single() && !needs_claim(grant) && grant.right.overlaps(right)) lasting.push_back(grant.right);
                }
                if (lasting.size() > 1 && RightSet(std::move(lasting)).covers(right)) {
                    found.by = Found::By::grant;
                    found.allowed = true;
                    found.rule = "grants";
                    return found;
                }
            }
        }
        found.open = true;
        found.rule = options.policy.rule_id(found.verdict);
        return found;
    }

    /// The right that a person would be asked for: the manifest's that has the object in it.
    static Right askable(const Subject& subject, const Right& right) {
        const Wish* wish = subject.request ? subject.request->find(right) : nullptr;
        return wish != nullptr ? wish->right : right;
    }

    int denials_of(const Subject& subject, const Right& wish) const {
        const Snapshot<View>::Reader reader(view);
        for (const auto& one : reader->denials) {
            if (one.publisher == subject.publisher && one.plugin == subject.plugin && one.right == wish) return one.times;
        }
        return 0;
    }

    Decision decision(const Found& found, const Subject& subject, const Right& right, bool with_texts) const {
        Decision made;
        made.allowed = found.allowed;
        made.rule = found.rule;
        made.needs_prompt = found.open;
        if (found.allowed && !with_texts) return made;
        const std::string what = who(subject) + ": may " + (found.allowed ? "" : "not ") + manifests::in_words(right) + ": ";
        const std::string grant_command = "symphony permission grant " + shell_word(typed(subject)) + " " + shell_word(askable(subject, right).text());
        switch (found.by) {
        case Found::By::nobody_asked:
            made.why = what + "its manifest does not ask for " + right.text();
            for (const Wish& wish : subject.request ? subject.request->wishes() : std::vector<Wish>()) {
                const auto whole = wish.right.kind() == manifests::RightKind::file && wish.right.is_single() ? Right::parse(wish.right.text() + "/**") : Error(Code::not_found, "");
                if (whole && whole->covers(right)) made.why += ", and " + wish.right.text() + " is that path alone; all beneath it is " + whole->text();
            }
            made.hint = "its author adds \"" + value_of(right) + "\" to " + std::string(key_of(right)) + " in [capabilities]";
            break;
        case Found::By::grant: {
            made.why = what + "granted, " + found.rule;
            made.hint = "symphony permission revoke " + shell_word(typed(subject)) + " " + shell_word(askable(subject, right).text());
            break;
        }
        case Found::By::policy:
            made.why = what + options.policy.why(found.verdict, subject, right) + (found.open ? ", and nobody granted it" : "");
            made.hint = found.open ? grant_command : options.policy.hint(found.verdict);
            if (const int denials = found.open ? denials_of(subject, askable(subject, right)) : 0; denials >= denials_max) {
                made.asked_enough = true;
                made.why += "; you said no " + std::to_string(denials) + " times, so you are not asked any more";
            }
            break;
        }
        return made;
    }

    void record(const Decision& made, const Subject& subject, const Right& right, std::string_view layer) {
        if (!audit) return;
        if (made.allowed) {
            audit->allowed(subject, right, made.rule, layer);
            return;
        }
        Record entry = record_of(subject, Happening::decision);
        entry.object = right.text();
        entry.rule = made.rule;
        entry.layer = layer;
        entry.text = made.why;
        audit->append(std::move(entry));
    }
    void record_change(const Subject& subject, Happening kind, const Right* right, bool allowed, std::string rule, std::string text) {
        if (!audit) return;
        Record entry = record_of(subject, kind);
        if (right != nullptr) entry.object = right->text();
        else if (kind == Happening::revoke) entry.object = "everything";
        entry.allowed = allowed;
        entry.rule = std::move(rule);
        entry.layer = "permissions";
        entry.text = std::move(text);
        audit->append(std::move(entry));
    }

    /// find(), and the claim of what must be claimed.
    Found settle(const Subject& subject, const Right& right) {
        for (int tries = 0; tries < 8; ++tries) {
            Found found = find(subject, right);
            if (!found.claim) return found;
            const auto claimed = store.claim(*found.claim);
            reload(false);
            if (claimed && *claimed) return found;
        }
        Found found; // somebody takes every grant before us
        found.by = Found::By::policy;
        found.open = true;
        found.rule = "grants";
        return found;
    }
};

Permissions::Permissions(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Permissions::~Permissions() = default;

std::vector<std::string> Permissions::warnings() const {
    std::vector<std::string> all = impl_->options.policy.warnings();
    const auto store = impl_->store.warnings();
    all.insert(all.end(), store.begin(), store.end());
    // When there is no state folder, the store has said so already.
    if (impl_->audit && (impl_->store.persistent() || store.empty())) {
        const auto audit = impl_->audit->warnings();
        all.insert(all.end(), audit.begin(), audit.end());
    }
    return all;
}

Decision Permissions::check(const Subject& subject, const Right& right, std::string_view layer) {
    const Decision made = impl_->decision(impl_->settle(subject, right), subject, right, false);
    impl_->record(made, subject, right, layer);
    return made;
}

Status Permissions::require(const Subject& subject, const Right& right, std::string_view layer, Decision* out) {
    Decision made = impl_->decision(impl_->settle(subject, right), subject, right, false);
    if (made.needs_prompt && !made.asked_enough && impl_->options.prompt != nullptr) {
        const std::lock_guard turn(impl_->ask_mutex);
        made = impl_->decision(impl_->settle(subject, right), subject, right, false); // while others were asked
        const Wish* wish = subject.request ? subject.request->find(right) : nullptr;
        if (made.needs_prompt && !made.asked_enough && wish != nullptr) {
            const auto key = std::pair(subject.plugin, wish->right.text());
            const auto before = impl_->asked.find(key);
            if (before != impl_->asked.end()) {
                if (before->second == Answer::once) made.why += "; it was allowed for one time, and nobody is asked twice in a run";
            } else {
                const Answer answer = impl_->options.prompt->ask({subject.name.empty() ? subject.plugin : subject.name, subject.plugin, subject.version,
                                                                  subject.publisher, wish->right, right.text(), wish->reason});
                impl_->asked[key] = answer;
                Grant grant{0, subject.publisher, subject.plugin, wish->right, answer == Answer::run ? Scope::run : Scope::always, 0, "prompt", 0,
                            subject.request->digest(), {}};
                switch (answer) {
                case Answer::once:
                    made = {true, false, false, "prompt:once", {}, {}};
                    impl_->record_change(subject, Happening::grant, &wish->right, true, "prompt:once", "this time");
                    break;
                case Answer::run:
                case Answer::always:
                    if (const Status kept = impl_->store.grant(std::move(grant), answer == Answer::always); !kept && answer == Answer::always) {
                        // It was allowed; that it cannot be remembered is no reason to forbid it now.
                        static_cast<void>(impl_->store.grant({0, subject.publisher, subject.plugin, wish->right, Scope::run, 0, "prompt", 0, subject.request->digest(), {}}, false));
                    }
                    impl_->reload(true);
                    impl_->record_change(subject, Happening::grant, &wish->right, true, answer == Answer::run ? "prompt:run" : "prompt:always",
                                         answer == Answer::run ? "this run" : "always");
                    made = impl_->decision(impl_->settle(subject, right), subject, right, false);
                    break;
                case Answer::deny:
                    if (const auto times = impl_->store.deny(subject.publisher, subject.plugin, wish->right); !times) made.why += "; that could not be remembered";
                    impl_->reload(false);
                    impl_->record_change(subject, Happening::decision, &wish->right, false, "prompt:deny", "answered with no");
                    break;
                case Answer::nobody: break;
                }
            }
        }
    }
    impl_->record(made, subject, right, layer);
    if (out != nullptr) *out = made;
    if (made.allowed) return {};
    return made.error();
}

bool Permissions::holds(const Subject& subject, const Right& right, std::string_view rule) const {
    const Impl::Found found = impl_->find(subject, right);
    if (found.allowed) return !found.claim || found.claim->scope != Scope::once || rule.starts_with("once:") || rule == "prompt:once";
    return found.open && (rule == "prompt:once" || rule.starts_with("once:"));
}

bool Permissions::has_grant(const Subject& subject, std::string_view rule) const {
    const Snapshot<View>::Reader reader(impl_->view);
    const auto grants = reader->grants.find(std::string_view(subject.plugin));
    if (grants == reader->grants.end()) return false;
    return std::any_of(grants->second.begin(), grants->second.end(), [&](const Grant& one) {
        return one.publisher == subject.publisher && grant_rule(one) == rule && (one.scope != Scope::until || one.expires_ms > impl_->now());
    });
}

bool Permissions::has_grant_of_address(const Subject& subject, const Right& address) const {
    const Snapshot<View>::Reader reader(impl_->view);
    const auto grants = reader->grants.find(std::string_view(subject.plugin));
    if (grants == reader->grants.end()) return false;
    return std::any_of(grants->second.begin(), grants->second.end(), [&](const Grant& one) {
        return one.publisher == subject.publisher && one.right.host_is_address() && one.right.covers(address) && (one.scope != Scope::until || one.expires_ms > impl_->now());
    });
}

bool Permissions::allows(const Subject& subject, const Right& right) const { return impl_->find(subject, right).allowed; }

Decision Permissions::explain(const Subject& subject, const Right& right) const {
    return impl_->decision(impl_->find(subject, right), subject, right, true);
}

bool Permissions::offers(const Subject& subject, manifests::RightKind kind) const {
    if (!subject.request) return false;
    for (const Wish& wish : subject.request->wishes()) {
        if (wish.right.kind() != kind) continue;
        const Verdict verdict = impl_->options.policy.judge(subject, wish.right);
        if (verdict.kind != Verdict::Kind::denied) return true;
        // A rule may deny a part only.
        if (verdict.by != nullptr && !RightSet(verdict.by->rights).covers(wish.right)) return true;
    }
    return false;
}

std::uint64_t Permissions::on_change(std::function<void()> changed) {
    const std::lock_guard lock(impl_->callbacks_mutex);
    impl_->callbacks.emplace(impl_->next_callback, std::move(changed));
    return impl_->next_callback++;
}

void Permissions::remove_on_change(std::uint64_t id) {
    const std::lock_guard calls(impl_->calling);
    const std::lock_guard lock(impl_->callbacks_mutex);
    impl_->callbacks.erase(id);
}

Status Permissions::grant(const Subject& subject, const Right& right, Scope scope, std::int64_t expires_ms, std::string_view origin) {
    if (!subject.request || !subject.request->rights().covers(right)) {
        return Error(Code::invalid_argument, "not-requested", who(subject) + ": its manifest does not ask for " + right.text(),
                     "symphony permission list " + shell_word(typed(subject)) + " shows what it asks for");
    }
    const Verdict verdict = impl_->options.policy.judge(subject, right);
    if (verdict.kind == Verdict::Kind::denied) {
        return Error(Code::not_granted, "denied-by-policy", who(subject) + ": " + right.text() + " cannot be granted: " + impl_->options.policy.why(verdict, subject, right),
                     impl_->options.policy.hint(verdict));
    }
    if (scope == Scope::until && expires_ms <= impl_->now()) return Error(Code::invalid_argument, "in-the-past", "a grant that has ended already", "name a time that is to come");
    SYMPHONY_TRY(impl_->store.grant({0, subject.publisher, subject.plugin, right, scope, expires_ms, std::string(origin), 0, subject.request->digest(), {}}));
    {
        const std::lock_guard lock(impl_->ask_mutex);
        std::erase_if(impl_->asked, [&](const auto& one) { return one.first.first == subject.plugin && one.first.second == right.text(); });
    }
    impl_->reload(true);
    impl_->record_change(subject, Happening::grant, &right, true, std::string(origin), std::string(name_of(scope)));
    return {};
}

Result<int> Permissions::revoke(const Subject& subject, const Right* right) {
    const int count = SYMPHONY_TRY(impl_->store.revoke(right == nullptr ? std::string_view() : std::string_view(subject.publisher), subject.plugin, right));
    if (right == nullptr) SYMPHONY_TRY(impl_->store.forget_consent(subject.plugin));
    impl_->reload(true);
    if (count > 0 || right == nullptr) impl_->record_change(subject, Happening::revoke, right, false, "command", std::to_string(count) + (count == 1 ? " grant" : " grants"));
    return count;
}

Error ConsentState::error(const Subject& subject) const {
    return Error(Code::refused, "consent-needed", who(subject) + " " + subject.version + ": " + text,
                 "symphony permission grant " + shell_word(typed(subject)) + " --all agrees to it");
}

namespace {

struct Agreed {
    ConsentState state;
    RightSet kept;             // what of the manifest's set is agreed to
    bool to_be_stored = false; // it is not what the store has
};

Agreed agreed_of(const View& view, const Policy& policy, const Subject& subject) {
    Agreed found;
    ConsentState& state = found.state;
    const Consent* consent = nullptr;
    for (const Consent& one : view.consents) {
        if (one.plugin == subject.plugin) consent = &one;
    }
    if (consent == nullptr) return found;
    const bool same_publisher = consent->publisher == subject.publisher;
    const RightSet before = same_publisher ? consent->rights : RightSet();
    if (!same_publisher) state.old_publisher = consent->publisher;
    std::vector<Right> agreed(before.rights());
    if (const auto grants = view.grants.find(std::string_view(subject.plugin)); grants != view.grants.end()) {
        for (const Grant& grant : grants->second) {
            if (grant.publisher == subject.publisher && grant.scope != Scope::once) agreed.push_back(grant.right);
        }
    }
    for (const Right& right : subject.request->rights().rights()) { // a rule agrees for the person
        const Verdict verdict = policy.judge(subject, right);
        if (verdict.kind == Verdict::Kind::allowed && verdict.by != nullptr) agreed.push_back(right);
    }
    const RightSet all(std::move(agreed));
    state.diff = diff(before, subject.request->rights());
    // One that asks for nothing, of another publisher: new hands all the same.
    const bool new_hands = !same_publisher && all.empty();
    if (!new_hands && all.covers(subject.request->required())) {
        state.kind = ConsentState::Kind::agreed;
        std::vector<Right> kept;
        for (const Right& right : subject.request->rights().rights()) {
            if (all.covers(right)) kept.push_back(right);
        }
        found.kept = RightSet(std::move(kept));
        found.to_be_stored = !same_publisher || !(found.kept == consent->rights);
        return found;
    }
    state.kind = ConsentState::Kind::widened;
    state.text = state.old_publisher.empty() ? "asks for more than was agreed to:" : "comes from another publisher than was agreed to (" + state.old_publisher + "):";
    bool first = true;
    const auto add = [&](const std::string& one) {
        state.text += (first ? " " : "; ") + one;
        first = false;
    };
    for (const Right& right : state.diff.added) {
        if (!all.covers(right)) add("to " + manifests::in_words(right));
    }
    for (const auto& [from, to] : state.diff.broadened) {
        if (!all.covers(to)) add("to " + manifests::in_words(to) + " instead of only " + from.text());
    }
    if (first) state.text.pop_back(); // the colon
    return found;
}

} // namespace

ConsentState Permissions::consent_state(const Subject& subject) const {
    if (!subject.request || impl_->vouched(subject)) return {ConsentState::Kind::agreed, {}, {}, {}};
    const Snapshot<View>::Reader reader(impl_->view);
    return agreed_of(*reader, impl_->options.policy, subject).state;
}

Status Permissions::admit(const Subject& subject) {
    if (!subject.request || impl_->vouched(subject)) return {};
    Agreed found;
    {
        const Snapshot<View>::Reader reader(impl_->view);
        found = agreed_of(*reader, impl_->options.policy, subject);
    }
    if (found.state.kind == ConsentState::Kind::widened) return found.state.error(subject); // who refuses the plugin records it
    if (found.state.kind == ConsentState::Kind::fresh) return agree(subject, "first use");
    // That a narrower set cannot be remembered is no reason not to start it.
    if (found.to_be_stored && impl_->store.agree({subject.publisher, subject.plugin, digest_of(found.kept), found.kept, 0})) {
        impl_->reload(false);
        impl_->record_change(subject, Happening::consent, nullptr, true, "covered", "agreed to " + std::to_string(found.kept.rights().size()) + " rights");
    }
    return {};
}

Status Permissions::agree(const Subject& subject, std::string_view origin) {
    const RightSet rights = subject.request ? subject.request->rights() : RightSet();
    const std::string digest = digest_of(rights);
    {
        const Snapshot<View>::Reader reader(impl_->view);
        for (const Consent& one : reader->consents) {
            if (one.plugin == subject.plugin && one.publisher == subject.publisher && one.set_digest == digest) return {};
        }
    }
    SYMPHONY_TRY(impl_->store.agree({subject.publisher, subject.plugin, digest, rights, 0}));
    impl_->reload(false);
    impl_->record_change(subject, Happening::consent, nullptr, true, std::string(origin), "agreed to " + std::to_string(rights.rights().size()) + " rights, set " + digest);
    return {};
}

bool Permissions::persistent() const noexcept { return impl_->store.persistent(); }
const Policy& Permissions::policy() const noexcept { return impl_->options.policy; }
Audit* Permissions::audit() noexcept { return impl_->audit ? &*impl_->audit : nullptr; }
void Permissions::refresh() { static_cast<void>(impl_->look()); }
Result<Contents> Permissions::contents() const { return impl_->store.read(); }

} // namespace symphony::permissions
