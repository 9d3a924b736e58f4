// SPDX-License-Identifier: Apache-2.0
#include "engines.hpp"

#include "image.hpp"

#include <malloc.h>
#include <tesseract/baseapi.h>

#include <algorithm>
#include <chrono>

namespace tess {

using symphony::Code;
using symphony::Error;
using symphony::Result;
using symphony::Status;
using Engine = std::unique_ptr<tesseract::TessBaseAPI>;

namespace {

/// Tesseract keeps the place of its messages in one variable for the whole process. It is set once, before
/// the first engine, because its threads read it without a lock.
void silence_tesseract(tesseract::TessBaseAPI& engine) {
    static std::once_flag once;
    std::call_once(once, [&] { engine.SetVariable("debug_file", "/dev/null"); });
}

std::uint64_t heap_bytes() {
    const struct mallinfo2 now = ::mallinfo2();
    return now.uordblks + now.hblkhd;
}

/// Loads are measured one after the other, or they would count each other's bytes.
std::mutex& measuring() {
    static std::mutex mutex;
    return mutex;
}

} // namespace

Status Watch::stop_reason() {
    if (cancelled()) return Error(Code::cancelled, "cancelled by the caller");
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    const std::uint64_t deadline = deadline_ns();
    if (deadline != 0 && static_cast<std::uint64_t>(std::chrono::nanoseconds(now).count()) >= deadline) {
        return Error(Code::deadline, "the call's deadline has passed");
    }
    return {};
}

Engines::Lease::Lease(Engines& owner, Model& model, Engine engine) noexcept : owner_(&owner), model_(&model), engine_(std::move(engine)) {}
Engines::Lease::Lease(Lease&& other) noexcept : owner_(other.owner_), model_(other.model_), engine_(std::move(other.engine_)), spoilt_(other.spoilt_) {}
Engines::Lease::~Lease() {
    if (engine_) owner_->give_back(*model_, std::move(engine_), spoilt_);
}

Engines::Engines(Languages languages, std::size_t engines_max) : languages_(std::move(languages)), engines_max_(std::max<std::size_t>(engines_max, 1)) {}
Engines::~Engines() = default;

Result<Engines::Lease> Engines::acquire(const std::string& language, Watch& watch) {
    std::unique_lock lock(mutex_);
    Model* known = nullptr;
    if (const auto found = models_.find(language); found != models_.end()) known = &found->second;
    if (known == nullptr || known->engines == 0) {
        if (auto bytes = languages_.file_bytes(language); !bytes) return std::move(bytes).error();
    }
    Model& model = models_[language];
    model.idle.reserve(engines_max_); // give_back() must not need memory
    const std::uint64_t failures_before = model.failures;
    for (;;) {
        model.last_used = ++clock_;
        if (!model.idle.empty()) {
            Engine engine = std::move(model.idle.back());
            model.idle.pop_back();
            return Lease(*this, model, std::move(engine));
        }
        if (model.failures != failures_before) return *model.last_failure;
        if (!model.loading && (engines_alive() < engines_max_ || evict_idle_of_another(model))) {
            return Lease(*this, model, SYMPHONY_TRY(load_one(language, model, lock)));
        }
        // A caller's cancel cannot wake us, so we look.
        changed_.wait_for(lock, std::chrono::milliseconds(20));
        if (auto go_on = watch.stop_reason(); !go_on) return std::move(go_on).error();
    }
}

Result<Engine> Engines::load_one(const std::string& language, Model& model, std::unique_lock<std::mutex>& lock) {
    model.loading = true;
    lock.unlock();
    Engine engine;
    std::uint64_t bytes = 0;
    std::optional<Error> failure;
    try {
        const std::lock_guard alone(measuring());
        const std::uint64_t before = heap_bytes();
        engine = std::make_unique<tesseract::TessBaseAPI>();
        silence_leptonica();
        silence_tesseract(*engine);
        if (engine->Init(languages_.folder().c_str(), language.c_str(), tesseract::OEM_LSTM_ONLY) != 0) {
            failure.emplace(Code::data_corrupt, "model-broken", "the model \"" + language + "\" in " + languages_.folder().string() + " cannot be loaded: its file is damaged or too old",
                            "apt-get install --reinstall " + debian_package(language.substr(0, language.find('+'))));
        }
        const std::uint64_t after = heap_bytes();
        // Never less than the file, which is held whole: another allocator, as a sanitizer's, tells nothing here.
        bytes = std::max(after > before ? after - before : 0, languages_.file_bytes(language).value_or(0));
    } catch (const std::bad_alloc&) {
        failure.emplace(Code::exhausted, "model-memory", "the model \"" + language + "\" does not fit into the memory that is left", "unload another model, or raise memory_limit");
    } catch (const std::exception& thrown) {
        failure.emplace(Code::data_corrupt, "model-broken", "the model \"" + language + "\" cannot be loaded: " + thrown.what());
    }
    if (failure) engine.reset(); // outside the lock: it may take a while
    lock.lock();
    model.loading = false;
    changed_.notify_all();
    if (failure) {
        ++model.failures;
        model.last_failure = *failure;
        return *std::move(failure);
    }
    ++loads_;
    ++model.engines;
    model.resident_bytes_each = std::max(model.resident_bytes_each, bytes);
    return engine;
}

void Engines::give_back(Model& model, Engine engine, bool spoilt) noexcept {
    if (!spoilt) engine->Clear(); // the page's memory; the model stays
    const std::lock_guard lock(mutex_);
    if (spoilt) {
        engine.reset();
        --model.engines;
    } else {
        model.idle.push_back(std::move(engine));
    }
    changed_.notify_all();
}

std::size_t Engines::engines_alive() const {
    std::size_t alive = 0;
    for (const auto& [name, model] : models_) alive += model.engines + (model.loading ? 1u : 0u);
    return alive;
}

bool Engines::evict_idle_of_another(const Model& keep) {
    Model* oldest = nullptr;
    for (auto& [name, model] : models_) {
        if (&model != &keep && !model.idle.empty() && (oldest == nullptr || model.last_used < oldest->last_used)) oldest = &model;
    }
    if (oldest == nullptr) return false;
    oldest->idle.pop_back();
    --oldest->engines;
    return true;
}

Status Engines::load(const std::string& language, Watch& watch) {
    {
        const std::lock_guard lock(mutex_);
        const auto found = models_.find(language);
        if (found != models_.end() && found->second.engines > 0) return {};
    }
    auto lease = acquire(language, watch);
    if (!lease) return std::move(lease).error();
    return {};
}

Status Engines::unload(const std::string& language) {
    std::vector<Engine> gone; // dies after the lock
    const std::lock_guard lock(mutex_);
    const auto found = models_.find(language);
    if (found == models_.end() || (found->second.engines == 0 && !found->second.loading)) {
        if (auto known = languages_.file_bytes(language); !known) return std::move(known).error();
        return {};
    }
    Model& model = found->second;
    const std::size_t busy = model.engines - model.idle.size();
    if (busy > 0 || model.loading) {
        return Error(Code::busy, "model-in-use", "the model \"" + language + "\" is " + (model.loading ? "being loaded" : "reading " + std::to_string(busy) + (busy == 1 ? " page" : " pages")),
                     "unload it again when the run has ended");
    }
    gone.swap(model.idle);
    model.engines = 0;
    return {};
}

void Engines::clear() {
    std::vector<Engine> gone;
    const std::lock_guard lock(mutex_);
    for (auto& [name, model] : models_) {
        model.engines -= model.idle.size();
        std::move(model.idle.begin(), model.idle.end(), std::back_inserter(gone));
        model.idle.clear();
    }
}

std::vector<Engines::Info> Engines::models() const {
    std::map<std::string, Info> all;
    for (const auto& [language, bytes] : languages_.installed()) all[language] = {language, bytes, 0, 0};
    const std::lock_guard lock(mutex_);
    for (const auto& [language, model] : models_) {
        if (model.engines == 0) continue;
        Info& info = all[language];
        info.language = language;
        info.engines = model.engines;
        info.resident_bytes = model.resident_bytes_each * model.engines;
    }
    std::vector<Info> list;
    for (auto& [language, info] : all) list.push_back(std::move(info));
    return list;
}

std::uint64_t Engines::loads() const {
    const std::lock_guard lock(mutex_);
    return loads_;
}

} // namespace tess
