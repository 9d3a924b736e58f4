// SPDX-License-Identifier: Apache-2.0
#include "survey.hpp"

#include "facts.hpp"
#include "html.hpp"
#include "json.hpp"
#include "markdown.hpp"

#include <symphony/inputs.hpp>

namespace report {

using symphony::Code;
using symphony::Error;

symphony::Result<symphony::Value> apply(std::string_view operation, symphony::ValueView input, const std::function<bool()>& cancelled) {
    if (operation != "survey") return symphony::Inputs::unknown_operation(operation, {"survey"});
    const Facts facts = SYMPHONY_TRY(Facts::of(input));
    const Error stopped(Code::cancelled, "survey: cancelled");
    if (cancelled()) return stopped;
    const std::string json = SYMPHONY_TRY(to_json(facts));
    if (cancelled()) return stopped;
    symphony::ValueBuilder out;
    return out.map(3).add("html", to_html(facts)).add("markdown", to_markdown(facts)).add("json", json).end().build();
}

} // namespace report
