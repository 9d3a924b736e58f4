// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/rights.hpp>
#include <symphony/result.hpp>
#include <symphony/value.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace symphony::brokers {

/// Model files for one plugin. Models come from the pool, and there is none yet: what may be used is still decided, then
/// every answer says so.
class Models {
public:
    /// @param require  The current grant, recorded; `not_granted` otherwise.
    Models(std::string plugin, std::function<Status(const manifests::Right&)> require) : plugin_(std::move(plugin)), require_(std::move(require)) {}

    /// As services/models.h describes it: an empty list.
    Result<Value> list() const;
    /// @return `not_granted`, else `unsupported` with reason "no-pool".
    Result<int> open(std::string_view model, std::string_view file) const;

private:
    std::string plugin_;
    std::function<Status(const manifests::Right&)> require_;
};

} // namespace symphony::brokers
