// SPDX-License-Identifier: Apache-2.0
#include "rules.hpp"

#include <algorithm>

namespace symphony::checker {
namespace {

constexpr std::string_view rebuild = "build it with symphony_add_plugin, which sets this right";

constexpr Rule all[] = {
    // without running code
    {"manifest", 1, false, "static", "The manifest has no errors, unknown keys included", "each line says what is wrong and where"},
    {"image", 1, false, "static", "The library for this platform is there, and has the size and the digest that the manifest states", "build the plugin again, which writes [[artifact]] anew"},
    {"identity", 1, false, "static", "Manifest, ELF note and descriptor name one id, one version and one ABI", "do not edit the built manifest; build again after a change of [extension]"},
    {"entry-only", 1, false, "static", "The library exports `symphony_plugin_v1` and nothing else", rebuild},
    {"no-text-relocations", 2, false, "static", "Code is not written to while it is mapped", "compile everything with -fPIC, libraries that are linked into it too"},
    {"no-executable-stack", 2, false, "static", "The library asks for no executable stack", "link with -z noexecstack; in assembly add .section .note.GNU-stack"},
    {"no-search-path", 2, false, "static", "Libraries are searched in the system's folders and in the plugin's own, `$ORIGIN`, only", "remove RPATH and RUNPATH: set(CMAKE_SKIP_RPATH ON)"},
    {"no-unique-symbols", 3, false, "static", "No symbol is unique to the process (STB_GNU_UNIQUE): it would pin the library and share state between versions", "compile with -fno-gnu-unique and hidden visibility"},
    {"no-own-tbb", 3, false, "static", "Only infrastructure (type `pit`) brings oneTBB, whose threads do not survive their library", "use the host's threads: calls come on many when the manifest says concurrent"},
    {"baseline", 4, false, "static", "No symbol needs more than glibc 2.36 and GLIBCXX 3.4.30", "build on Debian 12, or in a container of it"},
    {"stated-rights", 6, true, "static", "What the library imports fits what the manifest asks for: sockets, programs and files are reached through host services", "use the host's services: isolated, these functions fail"},
    {"base-libraries", 7, true, "static", "The library needs nothing but the C and C++ run-times, which every machine has", "link it statically, or say in the README what has to be installed"},
    {"no-constructors", 8, true, "static", "Nothing runs because the library is mapped, but the one constructor that the compiler's crtbegin.o brings, which only announces exception tables", "make globals constant, or members of the plugin class"},
    // loading
    {"loads", 1, false, "loads", "The library maps, and its entry answers a descriptor of this ABI", rebuild},
    {"entry-pure", 1, false, "loads", "The entry answers the same constant descriptor every time, from every thread", "return the address of a static const descriptor and do nothing else"},
    {"quiet-load", 3, false, "loads", "Mapping the library and calling its entry starts no thread and opens nothing", "move it into activate"},
    // its life
    {"life", 1, false, "life", "create, init, activate, deactivate and destroy succeed, in this order, again and again", "symphony show NAME says what it asks for; with all of that granted it has to start"},
    {"threads-flags", 1, false, "life", "The flags of an instance say what `[abi] threads` says", "make [abi] threads and the flags of SYMPHONY_PLUGIN_WITH the same"},
    {"functions", 1, false, "life", "The table of functions is complete, save `save_state` and `load_state` of who keeps no state", "set every member of symphony_instance_ops"},
    {"start-time", 2, false, "life", "It is active within `start_timeout` of its manifest, without one in five seconds", "do long work when it is first asked for, or state a start_timeout"},
    // calls
    {"answers", 1, false, "answers", "Calls with inputs of the declared types end without a crash and within five seconds", "run the plugin's own tests under AddressSanitizer"},
    {"no-exceptions", 1, false, "answers", "No exception leaves a function", "catch at the boundary, as the SDK's classes do"},
    {"completion-once", 1, false, "answers", "A call that was taken ends exactly once", "answer in one place; every path has to reach it"},
    {"refused-owes-nothing", 1, false, "answers", "After a refusal (`invoke` < 0) the call is never touched", "either answer the call or refuse it"},
    {"no-parts-after-end", 1, false, "answers", "Parts and progress come before the end", "emit first, complete last"},
    {"valid-results", 1, false, "answers", "Results can be read: records are whole, values are MessagePack, texts UTF-8, buffers point somewhere", "write results with the SDK's builders"},
    {"output-types", 2, false, "answers", "Results have the outputs that the manifest declares, with their types, and no others", "make [[operation]] outputs and what the operation returns the same"},
    {"typed-errors", 2, false, "answers", "Errors have a code of the ABI, a kebab-case reason, and a message in UTF-8 that ends inside its array", "fill symphony_error with the SDK's to_c()"},
    {"silence", 2, false, "answers", "Nothing is written to stdout or stderr", "tell people through the log service, and give data in answers"},
    {"quiesce-honest", 1, false, "stops", "`quiesce` succeeds when nothing is owed, comes back by its deadline, and leaves no call open", "wait for what was deferred, and for nothing else"},
    {"threads-left", 2, false, "stops", "After `deactivate` no thread of the plugin runs", "join every thread in quiesce or deactivate"},
    // what hosts may do
    {"unknown-ids", 2, false, "unknown-ids", "Interfaces, ports, methods and operations that it does not have are answered with NULL or an error, whatever their ids are", "compare ids with their lengths"},
    {"late-cancel", 2, false, "late-cancel", "A cancel of a call that has ended, or never was, does nothing", "look the call up before touching it"},
    {"ends-after-cancel", 2, false, "cancel", "A call ends within two seconds of its cancel or its deadline", "look at cancelled() in loops, and wait with a limit"},
    {"borrowed-buffers", 2, false, "borrowed-buffers", "Arguments are not written, not read past their end, and not touched after `invoke` returned", "copy what is kept; retain only counted buffers"},
    {"struct-size-newer", 3, false, "struct-size-newer", "Structs of a newer host, which are longer, work like the known part of them", "compare struct_size with >=, never with =="},
    {"struct-size-older", 6, false, "struct-size-older", "Members beyond a struct's `struct_size` are not read", "test with present() or callable() before use"},
    {"malformed-records", 3, false, "malformed-records", "Argument records that are cut, overlong or garbage crash nothing, and their calls end", "read records with the SDK's or the generated readers, and look at failed"},
    {"input-fuzz", 3, false, "input-fuzz", "Inputs of other types, sizes and depths than declared are answered with an error at worst", "check kinds before use: as_text() of a number is the fallback"},
    {"grants-withheld", 4, false, "grants-withheld", "Without a right that it asks for it starts or refuses with an error, and what worked fails with not-granted at worst", "pass on what the host answers"},
    {"config-inside", 3, false, "config-inside", "Configurations that the manifest allows start it, or are refused with an error", "make min, max and choices in [configuration] as strict as the code"},
    {"config-outside", 4, false, "config-outside", "Configurations that the manifest does not allow crash nothing", "read settings with a fallback"},
    {"thread-contract", 3, false, "thread-contract", "Calls from several threads, one at a time unless `concurrent`, give what the same calls give alone", "guard what instances share; say serial if calls must not meet"},
    {"pure", 4, false, "pure", "Operations marked pure give equal bytes for equal inputs, in every instance", "remove the clock, the counter or the address from the result, or the mark"},
    {"state-round-trip", 3, false, "state", "What `save_state` gave, `load_state` takes, and saving again gives the same", "save what load reads, all of it, in a fixed order"},
    {"state-garbage", 4, false, "state-garbage", "A state that is cut or garbage is refused without a crash", "check lengths and a version before reading"},
    {"leaks-memory", 4, false, "reload", "A hundred lives, from create to destroy, leave no memory behind that grows with them", "run the plugin's own tests under LeakSanitizer"},
    {"leaks-descriptors", 4, false, "reload", "A hundred lives leave no open descriptor behind", "close in deactivate or destroy"},
    {"leaks-threads", 4, false, "reload", "A hundred lives leave no thread behind", "join in deactivate"},
    {"reload", 4, false, "reload", "A hundred lives end without a crash", "leave nothing behind that the next instance trips over"},
    {"process-untouched", 3, false, "process-untouched", "Signal handlers, environment, current folder, locale, umask, rounding mode and standard streams are as they were", "these belong to the host; pass what is needed as arguments"},
    {"exit-handlers", 8, false, "exit-handlers", "Nothing of the plugin runs when the process ends: no atexit, no destructor of a static or thread-local object", "make it a member of the plugin class, which destroy ends"},
    {"placement-equivalence", 5, false, "placement", "The same calls give the same bytes in the host's process and in a sandbox", "use host services only, and nothing of the process: id, paths, environment"},
};

} // namespace

std::span<const Rule> rules() noexcept { return all; }

const Rule* find_rule(std::string_view id) noexcept {
    const auto* found = std::find_if(std::begin(all), std::end(all), [id](const Rule& rule) { return rule.id == id; });
    return found == std::end(all) ? nullptr : found;
}

std::string rules_page() {
    std::string page = "| rule | from level | a plugin owes | if it does not |\n| --- | --- | --- | --- |\n";
    for (const Rule& rule : all) {
        page += "| `" + std::string(rule.id) + "` | " + std::to_string(rule.level) + (rule.advisory ? ", advice" : "") + " | " +
                std::string(rule.sentence) + " | " + std::string(rule.remedy) + " |\n";
    }
    return page;
}

} // namespace symphony::checker
