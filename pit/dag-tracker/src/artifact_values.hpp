// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "value_store.hpp"

#include <symphony/host.hpp>

#include <memory>

namespace symphony::tracker {

/// The store of values in whatever serves `artifact-store/1`, which is acquired when it is first needed.
std::shared_ptr<ValueStore> artifact_values(const Host& host);

} // namespace symphony::tracker
