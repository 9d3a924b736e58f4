// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "languages.hpp"
#include "watch.hpp"

#include <symphony/result.hpp>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tesseract { class TessBaseAPI; }

namespace tess {

/// Loaded language models. One tesseract object serves one page at a time, so there are up to `engines_max`
/// of them, made when pages wait and kept for the next. Loads of one language never run side by side: whoever
/// waits for one that fails gets its error. All methods may be called concurrently.
class Engines {
    struct Model;

public:
    Engines(Languages languages, std::size_t engines_max);
    ~Engines();
    Engines(const Engines&) = delete;
    Engines& operator=(const Engines&) = delete;

    /// An engine for as long as this object lives.
    class Lease {
    public:
        Lease(Engines& owner, Model& model, std::unique_ptr<tesseract::TessBaseAPI> engine) noexcept;
        Lease(Lease&&) noexcept;
        Lease& operator=(Lease&&) = delete;
        ~Lease();
        tesseract::TessBaseAPI& engine() noexcept { return *engine_; }
        /// The engine's state is not to be trusted: unless keep() follows, it is destroyed and not used again.
        void spoil() noexcept { spoilt_ = true; }
        void keep() noexcept { spoilt_ = false; }

    private:
        Engines* owner_;
        Model* model_;
        std::unique_ptr<tesseract::TessBaseAPI> engine_;
        bool spoilt_ = false;
    };

    /// Waits for a free engine, loads one if there may be more, or takes the place of an idle engine of
    /// another language. Fails with `unknown-model`, `model-broken`, `model-memory`, `cancelled` or `deadline`.
    symphony::Result<Lease> acquire(const std::string& language, Watch& watch);

    /// Loads one engine unless there is one.
    symphony::Status load(const std::string& language, Watch& watch);

    /// Destroys all engines of a language; `model-in-use` while one is leased or being loaded.
    symphony::Status unload(const std::string& language);

    /// Destroys every idle engine.
    void clear();

    struct Info {
        std::string language;
        std::uint64_t file_bytes = 0;
        std::uint64_t resident_bytes = 0; // what loading took from the heap, all engines; 0 when not loaded
        std::size_t engines = 0;
    };
    /// Installed languages and loaded combinations, sorted.
    std::vector<Info> models() const;

    const Languages& languages() const noexcept { return languages_; }
    std::size_t engines_max() const noexcept { return engines_max_; }
    /// Engines made since the beginning; tells a test what was reused.
    std::uint64_t loads() const;

private:
    struct Model {
        std::vector<std::unique_ptr<tesseract::TessBaseAPI>> idle;
        std::size_t engines = 0; // idle and leased
        bool loading = false;
        std::uint64_t failures = 0;
        std::optional<symphony::Error> last_failure;
        std::uint64_t resident_bytes_each = 0;
        std::uint64_t last_used = 0; // a count of leases, for the least recently used
    };
    void give_back(Model& model, std::unique_ptr<tesseract::TessBaseAPI> engine, bool spoilt) noexcept;
    std::size_t engines_alive() const;
    bool evict_idle_of_another(const Model& keep);
    symphony::Result<std::unique_ptr<tesseract::TessBaseAPI>> load_one(const std::string& language, Model& model, std::unique_lock<std::mutex>& lock);

    const Languages languages_;
    const std::size_t engines_max_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, Model> models_; // entries are never erased: leases point at them
    std::uint64_t clock_ = 0;
    std::uint64_t loads_ = 0;
};

} // namespace tess
