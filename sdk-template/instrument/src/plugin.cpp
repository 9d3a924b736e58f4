// SPDX-License-Identifier: Apache-2.0
#include "letter_model.hpp"

#include <symphony/plugin.hpp>
#include <symphony/ports/instrument.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

/// Models are loaded when they are first asked for, shared by calls, and given back when unload() says so.
class LetterModel final : public symphony::ports::Instrument {
public:
    explicit LetterModel(symphony::Host host) : usual_(host.config()["model"].as_text("european")) {}

    symphony::Result<symphony::Value> infer(symphony::Call&, std::string_view operation, const symphony::Value& input) override {
        if (operation != "guess") {
            return symphony::Error(symphony::Code::not_found, "unknown-operation", "no operation \"" + symphony::to_valid_utf8(operation) + "\"", "it offers guess");
        }
        const std::string_view text = SYMPHONY_TRY(symphony::need_text(input, "text"));
        const auto model = SYMPHONY_TRY(get(input["model"].as_text(usual_)));
        const auto languages = model->guess(text);
        symphony::ValueBuilder out;
        out.map().add("language", languages.front().first).key("scores").map();
        for (const auto& [language, score] : languages) out.add(language, score);
        return out.end().end().build();
    }

    symphony::Result<std::vector<symphony::ports::ModelInfo>> models(symphony::Call&) override {
        std::vector<symphony::ports::ModelInfo> out;
        const std::lock_guard lock(mutex_);
        for (const std::string_view name : letter_model::Model::names()) {
            const auto found = loaded_.find(name);
            const bool loaded = found != loaded_.end();
            out.push_back({std::string(name), "shares of the letters a to z", loaded, loaded ? found->second->resident_bytes() : 0});
        }
        return out;
    }

    symphony::Result<void> load(symphony::Call&, std::string_view model) override {
        SYMPHONY_TRY(get(model));
        return {};
    }

    symphony::Result<void> unload(symphony::Call&, std::string_view model) override {
        const std::lock_guard lock(mutex_);
        const auto found = loaded_.find(model);
        if (found == loaded_.end()) return known(model) ? symphony::Status() : symphony::Status(unknown(model));
        if (found->second.use_count() > 1) return symphony::Error(symphony::Code::busy, "model-in-use", "model \"" + found->first + "\" is in use");
        loaded_.erase(found);
        return {};
    }

private:
    using Shared = std::shared_ptr<const letter_model::Model>;

    static bool known(std::string_view name) {
        for (const std::string_view one : letter_model::Model::names()) {
            if (one == name) return true;
        }
        return false;
    }
    static symphony::Error unknown(std::string_view name) {
        return {symphony::Code::not_found, "unknown-model", "there is no model \"" + symphony::to_valid_utf8(name.substr(0, 60)) + "\"", "there is european"};
    }

    symphony::Result<Shared> get(std::string_view name) {
        const std::lock_guard lock(mutex_); // one load at a time
        if (const auto found = loaded_.find(name); found != loaded_.end()) return found->second;
        auto model = letter_model::Model::load(name);
        if (!model) return unknown(name);
        return loaded_.emplace(std::string(name), std::make_shared<const letter_model::Model>(*std::move(model))).first->second;
    }

    const std::string usual_;
    std::mutex mutex_;
    std::map<std::string, Shared, std::less<>> loaded_;
};

SYMPHONY_PLUGIN_WITH(LetterModel, SYMPHONY_INSTANCE_CONCURRENT)
