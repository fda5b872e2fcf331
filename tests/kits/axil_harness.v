// Assumptions and claims about the AXI4-Lite slave, whose core may do anything.
// Assumed: a master keeps to the protocol. Claimed: the slave does, and answers each request once.
module harness (
  input wire        clk,
  input wire        resetn,
  input wire [6:0]  awaddr, araddr,
  input wire        awvalid, wvalid, bready, arvalid, rready,
  input wire [31:0] wdata,
  input wire [3:0]  wstrb
);
  wire        awready, wready, bvalid, arready, rvalid, irq;
  wire [1:0]  bresp, rresp;
  wire [31:0] rdata;
  lmu_axil #(.IN_LOG2(1), .OUT_LOG2(1)) dut (
    .aclk(clk), .aresetn(resetn),
    .s_axi_awaddr(awaddr), .s_axi_awprot(3'd0), .s_axi_awvalid(awvalid), .s_axi_awready(awready),
    .s_axi_wdata(wdata), .s_axi_wstrb(wstrb), .s_axi_wvalid(wvalid), .s_axi_wready(wready),
    .s_axi_bresp(bresp), .s_axi_bvalid(bvalid), .s_axi_bready(bready),
    .s_axi_araddr(araddr), .s_axi_arprot(3'd0), .s_axi_arvalid(arvalid), .s_axi_arready(arready),
    .s_axi_rdata(rdata), .s_axi_rresp(rresp), .s_axi_rvalid(rvalid), .s_axi_rready(rready), .irq(irq)
  );

  reg past = 0;
  always @(posedge clk) past <= 1;
  always @* if (!past) assume (!resetn);

  // the master
  always @(posedge clk) if (past) begin
    if (!$past(resetn)) assume (!awvalid && !wvalid && !arvalid);
    else begin
      if ($past(awvalid && !awready)) assume (awvalid && $stable(awaddr));
      if ($past(wvalid && !wready)) assume (wvalid && $stable(wdata) && $stable(wstrb));
      if ($past(arvalid && !arready)) assume (arvalid && $stable(araddr));
    end
  end

  // requests without an answer, and how long they have waited for the slave
  reg [1:0] writes = 0, reads = 0, addresses = 0, words = 0;
  reg [3:0] write_waits = 0, read_waits = 0, take_waits = 0;
  always @(posedge clk)
    if (!resetn) {addresses, words, reads, write_waits, read_waits, take_waits} <= 0;
    else begin
      addresses   <= addresses + (awvalid && awready) - (bvalid && bready);
      words       <= words + (wvalid && wready) - (bvalid && bready);
      reads       <= reads + (arvalid && arready) - (rvalid && rready);
      write_waits <= addresses != 0 && !bvalid ? write_waits + 1'b1 : 4'd0;
      read_waits  <= reads != 0 && !rvalid ? read_waits + 1'b1 : 4'd0;
      take_waits  <= (awvalid && wvalid && !awready && !bvalid) || (arvalid && !arready && reads == 0) ?
                     take_waits + 1'b1 : 4'd0;
    end

  always @(posedge clk) if (past && $past(resetn) && resetn) begin
    if ($past(bvalid && !bready)) assert (bvalid && $stable(bresp));
    if ($past(rvalid && !rready)) assert (rvalid && $stable(rresp) && $stable(rdata));
  end
  always @(posedge clk) if (past && resetn) begin
    assert (addresses == words);
    assert (addresses <= 1);
    assert (reads <= 1);
    if (bvalid) assert (addresses == 1 && words == 1);
    if (rvalid) assert (reads == 1);
    assert (write_waits <= 1);
    assert (read_waits <= 2);
    assert (take_waits <= 3);
    if (bvalid) assert (!bresp[0]);
    if (rvalid) assert (!rresp[0]);
    cover (addresses == 1 && reads == 1 && bvalid && rvalid);
  end
  always @(posedge clk) if (past && !$past(resetn)) assert (!bvalid && !rvalid);

  always @(posedge clk) if (past && resetn) begin
    assert (arready == (reads == 0));
    assert (bvalid == (addresses == 1));
    if (awready) assert (awvalid && wvalid && !bvalid);
  end
endmodule

// A core that does anything.
module lmu (
  input wire clk, input wire rst,
  input wire [15:0] i_data, input wire i_valid, output wire i_ready,
  output wire [15:0] o_data, output wire o_valid, output wire o_last, input wire o_ready,
  input wire [1:0] state_command_data, input wire state_command_valid, output wire state_command_ready,
  input wire [20:0] state_i_data, input wire state_i_valid, output wire state_i_ready,
  output wire [20:0] state_o_data, output wire state_o_valid, output wire state_o_last, input wire state_o_ready
);
  assign i_ready = $anyseq;
  assign o_data = $anyseq;
  assign o_valid = $anyseq;
  assign o_last = $anyseq;
  assign state_command_ready = $anyseq;
  assign state_i_ready = $anyseq;
  assign state_o_data = $anyseq;
  assign state_o_valid = $anyseq;
  assign state_o_last = $anyseq;
endmodule
