// SPDX-License-Identifier: Apache-2.0
#include "artifact_store.hpp"

#include "commands.hpp"
#include "operations.hpp"

#include <symphony/inputs.hpp>

namespace symphony::store {

Result<std::int32_t> ArtifactStorePlugin::run(Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context) {
    return run_command(host_, call, command, arguments, context);
}

Result<Value> ArtifactStorePlugin::apply(Call& call, std::string_view operation, const Value& input) {
    if (operation == "store") {
        const auto store = SYMPHONY_TRY(writing(call, true));
        return store_operation(*store, host_, call, input);
    }
    if (operation == "load") {
        const auto store = SYMPHONY_TRY(reading());
        return load_operation(*store, host_, input);
    }
    return Inputs::unknown_operation(operation, {"store", "load"});
}

} // namespace symphony::store
