// Writes ONNX files: just enough of the protobuf format to build small graphs by hand in tests.

type Field = Uint8Array | string | number

function varint(value: number): number[] {
  // Negative numbers are ten bytes of two's complement.
  let rest = BigInt.asUintN(64, BigInt(value))
  const bytes: number[] = []
  do {
    const low = Number(rest & 127n)
    rest >>= 7n
    bytes.push(rest === 0n ? low : low | 128)
  } while (rest !== 0n)
  return bytes
}

/** One protobuf field: a number as varint, everything else length-delimited. */
function field(number: number, value: Field): Buffer {
  if (typeof value === 'number') return Buffer.from([...varint(number * 8), ...varint(value)])
  const bytes = typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(bytes.length)]), bytes])
}

const message = (...fields: Buffer[]): Buffer => Buffer.concat(fields)

const ELEMENT = { float: 1, uint8: 2, int8: 3, int64: 7, bool: 9 } as const
type Element = keyof typeof ELEMENT

const ELEMENT_OF = new Map<unknown, Element>([
  [Float32Array, 'float'],
  [Int8Array, 'int8'],
  [Uint8Array, 'uint8'],
  [BigInt64Array, 'int64'],
])

export type Attribute = { name: string; value: number | number[] }

/** A graph under construction; every method returns the name of what it made. */
export class GraphBuilder {
  readonly #nodes: Buffer[] = []
  readonly #constants: Buffer[] = []
  readonly #inputs: Buffer[] = []
  readonly #outputs: Buffer[] = []
  #count = 0

  input(name: string, element: Element, shape: (number | string)[]): string {
    this.#inputs.push(valueInfo(name, element, shape))
    return name
  }

  output(name: string, element: Element, shape: (number | string)[]): void {
    this.#outputs.push(valueInfo(name, element, shape))
  }

  /** A constant tensor; `[]` is a scalar. */
  constant(data: Float32Array | Int8Array | Uint8Array | BigInt64Array, shape: number[]): string {
    const name = this.#fresh('w')
    const element = ELEMENT_OF.get(data.constructor) ?? 'float'
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    this.#constants.push(message(...shape.map((size) => field(1, size)), field(2, ELEMENT[element]), field(8, name), field(9, raw)))
    return name
  }

  scalar = (value: number): string => this.constant(Float32Array.of(value), [])
  integers = (...values: number[]): string => this.constant(BigInt64Array.from(values, BigInt), [values.length])
  integer = (value: number): string => this.constant(BigInt64Array.of(BigInt(value)), [])

  /** One operator with one output. */
  op(type: string, inputs: string[], attributes: Attribute[] = [], output = this.#fresh(type)): string {
    return this.ops(type, inputs, 1, attributes, [output])[0] ?? output
  }

  /** One operator with several outputs. */
  ops(
    type: string,
    inputs: string[],
    count: number,
    attributes: Attribute[] = [],
    outputs = Array.from({ length: count }, () => this.#fresh(type)),
  ): string[] {
    const parts = [...inputs.map((name) => field(1, name)), ...outputs.map((name) => field(2, name)), field(4, type)]
    this.#nodes.push(message(...parts, ...attributes.map((one) => field(5, attribute(one)))))
    return outputs
  }

  /** The file, for opset 17. */
  build(): Buffer {
    const graph = message(
      ...this.#nodes.map((node) => field(1, node)),
      field(2, 'graph'),
      ...this.#constants.map((constant) => field(5, constant)),
      ...this.#inputs.map((input) => field(11, input)),
      ...this.#outputs.map((output) => field(12, output)),
    )
    return message(field(1, 9), field(2, 'test'), field(7, graph), field(8, message(field(1, ''), field(2, 17))))
  }

  #fresh(prefix: string): string {
    this.#count += 1
    return `${prefix}_${this.#count}`
  }
}

function attribute({ name, value }: Attribute): Buffer {
  if (typeof value === 'number') return message(field(1, name), field(3, value), field(20, 2))
  return message(field(1, name), ...value.map((one) => field(8, one)), field(20, 7))
}

function valueInfo(name: string, element: Element, shape: (number | string)[]): Buffer {
  const dims = shape.map((size) => field(1, typeof size === 'number' ? field(1, size) : field(2, size)))
  return message(field(1, name), field(2, field(1, message(field(1, ELEMENT[element]), field(2, message(...dims))))))
}
