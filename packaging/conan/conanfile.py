"""The library for Conan 2, from the source tarball of a release, whose crates are in it. Needs cargo on the PATH."""

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy, get, rm, rmdir

required_conan_version = ">=2.4"


class NacosAuth(ConanFile):
    name = "nacos-auth"
    description = "Keeps a program authenticated against a Nacos server"
    license = "Apache-2.0"
    homepage = "https://github.com/nacos-auth/nacos-auth"
    url = homepage
    topics = ("nacos", "authentication", "token")
    package_type = "library"
    languages = ("C",)
    settings = ("os", "arch", "compiler", "build_type")
    options = {"shared": [True, False]}  # noqa: RUF012 # Conan's way
    default_options = {"shared": False}  # noqa: RUF012

    def validate(self) -> None:
        if self.settings.os != "Linux" or self.settings.arch not in ("x86_64", "armv8"):
            raise ConanInvalidConfiguration("it is made for Linux on x86_64 and armv8 only")

    def package_id(self) -> None:
        # cargo knows neither, and what it makes is C.
        del self.info.settings.compiler
        del self.info.settings.build_type

    def layout(self) -> None:
        cmake_layout(self, src_folder="src")

    def source(self) -> None:
        get(self, **self.conan_data["sources"][self.version], strip_root=True)

    def generate(self) -> None:
        CMakeToolchain(self).generate()

    def build(self) -> None:
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self) -> None:
        CMake(self).install()
        for file in ("LICENSE", "THIRD-PARTY.txt"):
            copy(self, file, self.source_folder, f"{self.package_folder}/licenses")
        # Conan writes these itself, from package_info.
        for folder in ("share", "lib/cmake", "lib/pkgconfig"):
            rmdir(self, f"{self.package_folder}/{folder}")
        rm(self, "*.a" if self.options.shared else "*.so*", f"{self.package_folder}/lib")

    def package_info(self) -> None:
        self.cpp_info.libs = ["nacos_auth"]
        if not self.options.shared:
            self.cpp_info.system_libs = ["util", "rt", "pthread", "m", "dl"]
        self.cpp_info.set_property("cmake_file_name", "nacos_auth")
        self.cpp_info.set_property("cmake_target_name", "nacos_auth::nacos_auth")
        kind = "shared" if self.options.shared else "static"
        self.cpp_info.set_property("cmake_target_aliases", [f"nacos_auth::{kind}"])
        self.cpp_info.set_property("pkg_config_name", "nacos_auth")
