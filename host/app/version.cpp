// SPDX-License-Identifier: Apache-2.0
#include "app.hpp"

#include <symphony/abi/plugin.h>

namespace symphony::app {

Result<int> version(App& app, const Typed&) {
    const auto abi = std::to_string(SYMPHONY_ABI_MAJOR) + "." + std::to_string(SYMPHONY_ABI_MINOR);
    const std::string compiler = std::string(
#if defined(__clang__)
        "clang " __clang_version__
#else
        "gcc " __VERSION__
#endif
    );
    if (app.options.json) {
        app.console.json(manifests::Data(manifests::Data::Map{{"version", SYMPHONY_VERSION}, {"abi", abi},
                                                              {"sdk", SYMPHONY_SDK_VERSION}, {"triple", SYMPHONY_TRIPLE},
                                                              {"build", SYMPHONY_BUILD_TYPE}, {"compiler", compiler}}));
    } else {
        app.console.out("symphony " SYMPHONY_VERSION " (ABI " + abi + ", " SYMPHONY_TRIPLE ", " SYMPHONY_BUILD_TYPE ", " +
                        compiler + ")\n");
    }
    return done;
}

} // namespace symphony::app
