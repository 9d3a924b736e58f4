// SPDX-License-Identifier: Apache-2.0
#include "fetch.hpp"
#include "instrument.hpp"

#include <symphony/plugin.hpp>
#include <symphony/ports/instrument.hpp>

#include <string>
#include <vector>

namespace {

class CallWatch final : public tess::Watch {
public:
    explicit CallWatch(symphony::Call& call) : call_(call) {}
    bool cancelled() override { return call_.cancelled(); }
    std::uint64_t deadline_ns() const override { return call_.deadline_ns(); }
    void progress(std::uint32_t permille, std::string_view note) override { call_.progress(permille, note); }

private:
    symphony::Call& call_;
};

class TesseractInstrument final : public symphony::ports::Instrument {
public:
    explicit TesseractInstrument(symphony::Host host) : host_(host), reader_(tess::Settings::of(host.config())) {}

    symphony::Result<symphony::Value> infer(symphony::Call& call, std::string_view operation, const symphony::Value& input) override {
        CallWatch watch(call);
        const auto fetch = [this](symphony::ValueView image) { return tess::fetch_image(host_, image); };
        return reader_.infer(operation, input, fetch, watch);
    }
    symphony::Result<std::vector<symphony::ports::ModelInfo>> models(symphony::Call&) override {
        std::vector<symphony::ports::ModelInfo> list;
        for (const auto& model : reader_.engines().models()) {
            list.push_back({model.language, tess::describe(model), model.engines > 0, model.resident_bytes});
        }
        return list;
    }
    symphony::Result<void> load(symphony::Call& call, std::string_view model) override {
        CallWatch watch(call);
        return reader_.engines().load(std::string(model), watch);
    }
    symphony::Result<void> unload(symphony::Call&, std::string_view model) override { return reader_.engines().unload(std::string(model)); }

    symphony::Status deactivate() {
        reader_.engines().clear();
        return {};
    }

private:
    symphony::Host host_;
    tess::TextReader reader_;
};

} // namespace

SYMPHONY_PLUGIN_WITH(TesseractInstrument, SYMPHONY_INSTANCE_CONCURRENT | SYMPHONY_INSTANCE_BLOCKING)
