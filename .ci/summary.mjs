/**
 * A reporter that leaves two files in the folder `SUMMARY`: `counts`, "passed failed", where a file that could not run and an
 * error outside of any test are one failure each; and `failures`, their names and messages, empty when all is well.
 */
import { writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'

const MESSAGE_CHARACTERS = 1500

export default class Summary {
  onTestRunEnd(modules, unhandled) {
    const failures = []
    let passed = 0
    const fail = (name, errors) => {
      const messages = errors.map((error) => error.stack ?? error.message).join('\n')
      failures.push(`── FAILED: ${name}\n${messages.slice(0, MESSAGE_CHARACTERS)}\n`)
    }
    for (const module of modules) {
      const file = relative(process.cwd(), module.moduleId)
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result()
        if (state === 'passed') passed += 1
        if (state === 'failed') fail(`${file}: ${test.fullName}`, errors ?? [])
      }
      for (const suite of module.children.allSuites()) if (suite.errors().length > 0) fail(`${file}: ${suite.fullName}`, suite.errors())
      if (module.errors().length > 0) fail(file, module.errors())
    }
    for (const error of unhandled) fail('outside of any test', [error])
    writeFileSync(join(process.env.SUMMARY, 'counts'), `${passed} ${failures.length}\n`)
    writeFileSync(join(process.env.SUMMARY, 'failures'), failures.join(''))
  }
}
