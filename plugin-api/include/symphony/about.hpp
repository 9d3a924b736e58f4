// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/abi/services/about.h>
#include <symphony/value.hpp>

#include <string>
#include <string_view>

namespace symphony {

/// The host that a plugin runs in: what it is, and its folders (absolute, empty where there is none).
struct About {
    std::string version; ///< of the host, SemVer
    std::string triple;  ///< "x86_64-linux-gnu"
    std::string program; ///< path of the program
    std::string prefix;  ///< what it is installed in
    std::string config, state, cache, data; ///< the user's, each ending in "symphony"
    std::string extensions;      ///< which plugins may be added: "any", "signed" or "none"; empty is "any"
    std::string extensions_rule; ///< the file that says so; empty: none
    std::string publishers;      ///< whom "signed" means: public keys, parted by blanks; empty: whom the user trusts; "none": nobody

    Value value() const {
        ValueBuilder out;
        out.map();
        each([&](std::string_view name, std::string About::*member) { out.key(name).text(this->*member); });
        return out.end().build();
    }
    static About from(const Value& value) {
        About out;
        each([&](std::string_view name, std::string About::*member) { out.*member = std::string(value[name].as_text()); });
        return out;
    }

private:
    template <class Function>
    static void each(Function function) {
        function("version", &About::version);
        function("triple", &About::triple);
        function("program", &About::program);
        function("prefix", &About::prefix);
        function("config", &About::config);
        function("state", &About::state);
        function("cache", &About::cache);
        function("data", &About::data);
        function("extensions", &About::extensions);
        function("extensions_rule", &About::extensions_rule);
        function("publishers", &About::publishers);
    }
};

} // namespace symphony
