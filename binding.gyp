# Builds what CMakeLists.txt builds, with the same flags, for npm's default path (node-gyp). Keep it JSON but for the
# lines that start with "#": test/unit/build.test.ts reads it and compares the two.
{
  "targets": [
    {
      "target_name": "nodespawner",
      "sources": [
        "<!@(node -p \"require('fs').readdirSync('native').filter((f) => /[.](cc|S)$/.test(f)).map((f) => 'native/' + f).join(' ')\")"
      ],
      "include_dirs": [
        "<!@(node -p \"require('node-api-headers').include_dir\")",
        "<!@(node -p \"require('node-addon-api').include_dir\")"
      ],
      "defines": [
        "NAPI_VERSION=8",
        "NAPI_DISABLE_CPP_EXCEPTIONS",
        # A worker thread may be terminated in the middle of a call: then nothing can be thrown, which is no reason to
        # end the process.
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS",
        "_GNU_SOURCE"
      ],
      "cflags!": ["-Wno-unused-parameter"],
      "cflags": ["-Wall", "-Wextra", "-O2", "-g1", "-fno-omit-frame-pointer", "-fPIC", "-fvisibility=hidden", "-fstack-protector-strong"],
      "cflags_cc": ["-std=gnu++17", "-fno-exceptions", "-fno-rtti"],
      "ldflags": ["-Wl,--exclude-libs,ALL", "-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,noexecstack"],
      # node-gyp's -O3 comes after the flags above and would win.
      "configurations": { "Release": { "cflags!": ["-O3"] } }
    },
    {
      "target_name": "nodespawner-preload",
      "type": "shared_library",
      "product_prefix": "",
      "product_dir": "<(PRODUCT_DIR)",
      "win_delay_load_hook": "false",
      "sources": [
        "<!@(node -p \"require('fs').readdirSync('native/preload').filter((f) => f.endsWith('.c')).map((f) => 'native/preload/' + f).join(' ')\")"
      ],
      "defines": ["_GNU_SOURCE"],
      "cflags!": ["-Wno-unused-parameter"],
      "cflags": [
        "-Wall",
        "-Wextra",
        "-Os",
        "-fno-omit-frame-pointer",
        "-fPIC",
        "-fvisibility=hidden",
        "-fstack-protector-strong"
      ],
      "cflags_c": ["-std=gnu11"],
      "ldflags!": ["-rdynamic", "-pthread"],
      "ldflags": ["-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,noexecstack"],
      "configurations": { "Release": { "cflags!": ["-O3"] } }
    },
    {
      "target_name": "nodespawner-launcher",
      "type": "executable",
      "win_delay_load_hook": "false",
      "sources": [
        "<!@(node -p \"require('fs').readdirSync('native/launcher').filter((f) => f.endsWith('.c')).map((f) => 'native/launcher/' + f).join(' ')\")"
      ],
      "defines": ["_GNU_SOURCE"],
      "cflags!": ["-Wno-unused-parameter"],
      "cflags": [
        "-Wall",
        "-Wextra",
        "-Os",
        "-fno-omit-frame-pointer",
        "-fvisibility=hidden",
        "-fstack-protector-strong",
        "-ffunction-sections",
        "-fdata-sections"
      ],
      "cflags_c": ["-std=gnu11"],
      "ldflags!": ["-rdynamic", "-pthread"],
      "ldflags": ["-static", "-Wl,--gc-sections", "-Wl,-z,relro", "-Wl,-z,noexecstack"],
      "configurations": { "Release": { "cflags!": ["-O3"] } }
    }
  ]
}
