// SPDX-License-Identifier: Apache-2.0
#include "running.hpp"

#include <ctime>

namespace symphony::checker {
namespace {

std::uint64_t now_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

bool kebab(std::string_view text) {
    for (const char c : text) {
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-') return false;
    }
    return true;
}

/// Runs the plugin's code: named for who finds us dead, and no exception gets out.
template <class Function>
auto enter(Case& at, const std::string& what, Function function) -> decltype(function()) {
    at.step(what);
    try {
        return function();
    } catch (const std::exception& thrown) {
        at.find("no-exceptions", "an exception leaves " + what + ": " + thrown.what());
    } catch (...) {
        at.find("no-exceptions", "an exception leaves " + what);
    }
    if constexpr (std::is_same_v<decltype(function()), symphony_status>) return SYMPHONY_E_PLUGIN_FAILED;
    else return decltype(function())();
}

} // namespace

void judge_error(Case& at, const std::string& where, const symphony_error& error, symphony_status status) {
    const symphony_status code = error.code < 0 ? error.code : status;
    if (code > SYMPHONY_E_INVALID_ARGUMENT || code < SYMPHONY_E_REFUSED) {
        at.find("typed-errors", where + " fails with code " + std::to_string(code) + ", which the ABI does not have");
    }
    const auto ended = [](const auto& text) { return std::memchr(text, 0, sizeof text) != nullptr; };
    if (!ended(error.reason) || !ended(error.message) || !ended(error.hint)) {
        at.find("typed-errors", where + " fails with a text that does not end inside its array");
    }
    if (!kebab(read_bounded(error.reason))) at.find("typed-errors", where + " fails with the reason \"" +
        std::string(read_bounded(error.reason)) + "\", which is not kebab-case");
    if (!is_valid_utf8(read_bounded(error.message)) || !is_valid_utf8(read_bounded(error.hint))) {
        at.find("typed-errors", where + " fails with a text that is no UTF-8");
    }
}

template <class Function>
Status Running::control(const char* name, Function function) {
    symphony_error error{};
    error.struct_size = sizeof error;
    const symphony_status status = enter(at_, name, [&]() -> symphony_status { return function(&error); });
    if (status >= 0) return {};
    judge_error(at_, name, error, status);
    return from_c(error, status).in(name);
}

bool Running::use_library() {
    at_.step("mapping the library");
    const auto library = at_.subject.load();
    if (!library) {
        at_.find(library.error().reason() == "identity-mismatch" ? "identity" : "loads", library.error().message(), library.error().hint());
        at_.stop();
        return false;
    }
    creator_ = (*library)->descriptor().create;
    return true;
}

Status Running::create(const Value& configuration, bool guarded) {
    const Value own = configuration;
    symphony_buf config = own.buffer().to_c();
    Guarded copy(config.data, static_cast<std::size_t>(config.size));
    if (guarded) {
        copy.protect();
        config = {};
        config.struct_size = sizeof config;
        config.data = static_cast<const std::uint8_t*>(copy.data());
        config.size = copy.size();
    }
    instance_ = nullptr;
    ops_ = nullptr;
    SYMPHONY_TRY(control("create", [&](symphony_error* error) { return creator_(host_.table(), &config, &instance_, &ops_, error); }));
    if (instance_ == nullptr || ops_ == nullptr) return Error(Code::refused, "null-instance", "create succeeds without an instance");
    if (ops_->struct_size < sizeof *ops_) {
        return Error(Code::refused, "struct-size", "its functions have " + std::to_string(ops_->struct_size) + " bytes, ABI 1.0 has " +
            std::to_string(sizeof *ops_));
    }
    if (ops_->invoke == nullptr || ops_->destroy == nullptr) return Error(Code::refused, "null-function", "an instance has no invoke or no destroy");
    return {};
}

Status Running::init() {
    if (ops_->init == nullptr) return {};
    return control("init", [&](symphony_error* error) { return ops_->init(instance_, error); });
}
Status Running::activate() {
    if (ops_->activate == nullptr) return {};
    return control("activate", [&](symphony_error* error) { return ops_->activate(instance_, error); });
}
Status Running::quiesce(std::chrono::milliseconds longest) {
    if (ops_->quiesce == nullptr) return {};
    const std::uint64_t deadline = now_ns() + static_cast<std::uint64_t>(longest.count()) * 1'000'000u;
    return control("quiesce", [&](symphony_error* error) { return ops_->quiesce(instance_, deadline, error); });
}
Status Running::deactivate() {
    if (ops_->deactivate == nullptr) return {};
    return control("deactivate", [&](symphony_error* error) { return ops_->deactivate(instance_, error); });
}
void Running::destroy() {
    enter(at_, "destroy", [&]() -> symphony_status {
        ops_->destroy(instance_);
        return SYMPHONY_OK;
    });
    instance_ = nullptr;
}

Status Running::start(const Value& configuration) {
    SYMPHONY_TRY(create(configuration));
    SYMPHONY_TRY(init());
    return activate();
}

Status Running::end() {
    SYMPHONY_TRY(quiesce(patience));
    SYMPHONY_TRY(deactivate());
    destroy();
    return {};
}

Result<Buffer> Running::save_state() {
    symphony_buf out{};
    out.struct_size = sizeof out;
    if (ops_->save_state == nullptr) return Error(Code::unsupported, "save_state: it has none");
    SYMPHONY_TRY(control("save_state", [&](symphony_error* error) { return ops_->save_state(instance_, &out, error); }));
    return Buffer::adopt(out);
}

Status Running::load_state(const symphony_buf& state) {
    if (ops_->load_state == nullptr) return Error(Code::unsupported, "load_state: it has none");
    return control("load_state", [&](symphony_error* error) { return ops_->load_state(instance_, &state, error); });
}

const symphony_port_info* Running::query(std::string_view id) {
    if (ops_->query == nullptr) return nullptr;
    return static_cast<const symphony_port_info*>(
        enter(at_, "query of \"" + to_valid_utf8(id) + "\"", [&]() -> const void* { return ops_->query(instance_, to_c(id)); }));
}

symphony_status Running::invoke(Recorder& call, const Request& request) {
    auto passed = std::make_unique<PassedCall>(request, call);
    const symphony_status status = enter(at_, "invoke of " + request.name, [&]() -> symphony_status { return ops_->invoke(instance_, passed->get()); });
    passed->returned();
    if (request.guarded) gone_.push_back(std::move(passed)); // its addresses are not used again
    return status;
}

void Running::cancel(symphony_handle id) {
    if (ops_->cancel == nullptr) return;
    enter(at_, "cancel", [&]() -> symphony_status {
        ops_->cancel(instance_, id);
        return SYMPHONY_OK;
    });
}

bool Running::call(Recorder& call, const Request& request) {
    if (invoke(call, request) < 0) return false;
    at_.step("the wait for the end of " + request.name);
    return call.wait(patience);
}

} // namespace symphony::checker
