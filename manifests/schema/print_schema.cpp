// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/schema.hpp>

#include <cstdio>

int main() { return std::fputs(symphony::manifests::manifest_schema().c_str(), stdout) < 0; }
