"""Device trees of two machines, as small as what the tool looks at: bases of guests with devices.

tests/faults/parts and tests/fuzz/parts hold them compiled.
"""

from __future__ import annotations

ODROID = """\
/dts-v1/;
/ {
    model = "Small ODROID-C4";
    compatible = "hardkernel,odroid-c4", "amlogic,sm1";
    #address-cells = <2>;
    #size-cells = <2>;
    interrupt-parent = <&gic>;
    chosen { stdout-path = "serial0:115200n8"; };
    memory@0 { device_type = "memory"; reg = <0 0 0 0x40000000>; };
    psci { compatible = "arm,psci-1.0"; method = "smc"; };
    soc {
        compatible = "simple-bus";
        #address-cells = <2>;
        #size-cells = <2>;
        ranges;
        bus@ff600000 {
            compatible = "simple-bus";
            reg = <0 0xff600000 0 0x200000>;
            #address-cells = <2>;
            #size-cells = <2>;
            ranges = <0 0 0 0xff600000 0 0x200000>;
            mdio-multiplexer@4c000 { reg = <0 0x4c000 0 0xa4>; };
        };
        bus@ff800000 {
            compatible = "simple-bus";
            reg = <0 0xff800000 0 0x100000>;
            #address-cells = <2>;
            #size-cells = <2>;
            ranges = <0 0 0 0xff800000 0 0x100000>;
            serial@3000 { compatible = "amlogic,meson-gx-uart"; reg = <0 0x3000 0 0x18>; status = "okay"; };
        };
        bus@ffd00000 {
            compatible = "simple-bus";
            reg = <0 0xffd00000 0 0x100000>;
            #address-cells = <2>;
            #size-cells = <2>;
            ranges = <0 0 0 0xffd00000 0 0x100000>;
        };
        gic: interrupt-controller@ffc01000 {
            compatible = "arm,gic-400";
            interrupt-controller;
            #interrupt-cells = <3>;
            #address-cells = <0>;
            reg = <0 0xffc01000 0 0x1000>, <0 0xffc02000 0 0x2000>;
        };
        sd@ffe05000 { compatible = "amlogic,meson-axg-mmc"; reg = <0 0xffe05000 0 0x800>; status = "disabled"; };
        ethernet@ff3f0000 { compatible = "amlogic,meson-axg-dwmac"; reg = <0 0xff3f0000 0 0x10000>; };
    };
};
"""

VIRT = """\
/dts-v1/;
/ {
    compatible = "linux,dummy-virt";
    #address-cells = <2>;
    #size-cells = <2>;
    interrupt-parent = <&gic>;
    chosen { stdout-path = "/pl011@9000000"; };
    memory@40000000 { device_type = "memory"; reg = <0 0x40000000 0 0x80000000>; };
    psci { compatible = "arm,psci-0.2"; method = "smc"; };
    gic: intc@8000000 {
        compatible = "arm,cortex-a15-gic";
        interrupt-controller;
        #interrupt-cells = <3>;
        reg = <0 0x8000000 0 0x10000>, <0 0x8010000 0 0x10000>;
    };
    pl011@9000000 { compatible = "arm,pl011", "arm,primecell"; reg = <0 0x9000000 0 0x1000>; };
    pl031@9010000 { compatible = "arm,pl031", "arm,primecell"; reg = <0 0x9010000 0 0x1000>; };
    virtio_mmio@a003e00 { compatible = "virtio,mmio"; reg = <0 0xa003e00 0 0x200>; };
};
"""
