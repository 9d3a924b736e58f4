// SPDX-License-Identifier: Apache-2.0
#include "bench.hpp"

#include <symphony/ports/instrument.hpp>
#include <symphony/ports/operator.hpp>

#include <map>
#include <memory>

namespace {

using symphony::Value;
using symphony::ValueBuilder;
using symphony::bench::time_ns;
namespace ports = symphony::ports;

/// The peer: a virtual call that the compiler cannot see through.
class Direct {
public:
    Direct() = default;
    Direct(const Direct&) = delete;
    Direct& operator=(const Direct&) = delete;
    virtual ~Direct() = default;
    virtual bool load(std::string_view model) = 0;
};
class DirectCallee final : public Direct {
public:
    bool load(std::string_view model) override {
        bytes_ += model.size();
        return true;
    }

private:
    std::uint64_t bytes_ = 0;
};
__attribute__((noinline)) std::unique_ptr<Direct> make_direct() { return std::make_unique<DirectCallee>(); }

Value text_of(std::size_t bytes) { return ValueBuilder().map().key("text").text(std::string(bytes, 'x')).end().build(); }

class Caller final : public ports::Operator {
public:
    explicit Caller(symphony::Host host) : host_(host) {}

    symphony::Result<Value> apply(symphony::Call&, std::string_view, const Value& input) override {
        const auto operators = SYMPHONY_TRY(ports::OperatorClient::acquire(host_, "bench-callee"));
        const auto instrument = SYMPHONY_TRY(ports::InstrumentClient::acquire(host_, "bench-callee"));
        const std::unique_ptr<Direct> direct = make_direct();
        const std::string model(60, 'm'); // with its length: a 64-byte record
        const Value small = text_of(57);  // 64 bytes of MessagePack
        const Value large = text_of(1 << 20);
        bool good = true;
        const auto apply = [&](std::string_view operation, const Value& value) {
            const auto answer = operators.apply(operation, value);
            good = good && answer;
            symphony::bench::keep(answer);
        };
        std::map<std::string, std::vector<double>> samples;
        const auto rounds = input["rounds"].as_int();
        for (std::int64_t i = 0; i < rounds; ++i) {
            samples["typed"].push_back(time_ns(2000, [&] { good = good && instrument.load(model); }));
            samples["direct"].push_back(time_ns(20'000, [&] { good = good && direct->load(model); }));
            samples["view"].push_back(time_ns(2000, [&] { apply("look", small); }));
            samples["json"].push_back(time_ns(500, [&] { apply("json", small); }));
            samples["large"].push_back(time_ns(2000, [&] { apply("look", large); }));
        }
        if (!good) return symphony::Error(symphony::Code::internal, "a measured call failed");
        ValueBuilder out;
        out.map().key("samples").map();
        for (const auto& [name, figures] : samples) {
            out.key(name).list();
            for (const double figure : figures) out.number(figure);
            out.end();
        }
        return out.end().end().build();
    }

private:
    symphony::Host host_;
};

} // namespace

SYMPHONY_PLUGIN_WITH(Caller, SYMPHONY_INSTANCE_BLOCKING)
