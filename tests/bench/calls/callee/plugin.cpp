// SPDX-License-Identifier: Apache-2.0
#include <symphony/json.hpp>
#include <symphony/ports/instrument.hpp>
#include <symphony/ports/operator.hpp>

#include <atomic>

namespace {

using symphony::Call;
using symphony::Result;
using symphony::Value;

class Callee final : public symphony::ports::Operator, public symphony::ports::Instrument {
public:
    Result<Value> apply(Call&, std::string_view operation, const Value& input) override {
        if (operation == "json") return symphony::from_json(SYMPHONY_TRY(symphony::to_json(input)));
        if (operation == "look") { // what an operator does: reads one member through the view
            if (input["text"].as_text().empty()) return symphony::Error(symphony::Code::invalid_argument, "no text");
        }
        return input;
    }
    Result<Value> infer(Call&, std::string_view, const Value& input) override { return input; }
    Result<std::vector<symphony::ports::ModelInfo>> models(Call&) override { return std::vector<symphony::ports::ModelInfo>{}; }
    symphony::Status load(Call&, std::string_view model) override {
        bytes_.fetch_add(model.size(), std::memory_order_relaxed);
        return {};
    }
    symphony::Status unload(Call&, std::string_view) override { return {}; }

private:
    std::atomic<std::uint64_t> bytes_{0};
};

} // namespace

SYMPHONY_PLUGIN_WITH(Callee, SYMPHONY_INSTANCE_CONCURRENT)
