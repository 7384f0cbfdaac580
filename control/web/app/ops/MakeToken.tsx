import { useState } from 'react';
import { useForm } from 'react-hook-form';
import { ShownOnce } from '../settings/ShownOnce';
import { api } from '../shell/api';
import { useT } from '../shell/words';
import { Button } from '../ui/Button';
import { Field } from '../ui/Field';
import { Form } from '../ui/Form';
import { Select } from '../ui/Select';
import styles from './ops.module.css';

interface Draft {
  role: 'edge' | 'origin' | 'control';
  region: string;
}

/** Makes a join token, and shows the command that brings a machine in by it, once. */
export function MakeToken() {
  const t = useT();
  const form = useForm<Draft>({ defaultValues: { role: 'edge', region: '' } });
  const [made, setMade] = useState<string>();
  const make = api.useMutation('post', '/api/v1/ops/tokens', {
    onSuccess: ({ token, role, join }) => {
      setMade(`freshet ${role} --join ${join} --token ${token}`);
    },
  });
  return (
    <div className={styles['find']}>
      <Form
        form={form}
        error={make.error}
        fields={{ region: { label: t('ops.region'), wrong: t('ops.token.region.wrong') } }}
        onSubmit={({ role, region }) => {
          make.mutate({ body: { role, ...(region === '' ? {} : { region: region.toLowerCase() }) } });
        }}
      >
        <Select
          control={form.control}
          name="role"
          label={t('ops.token.role')}
          choices={(['edge', 'origin', 'control'] as const).map(value => ({
            value,
            name: t(`ops.role.${value}`),
          }))}
        />
        <Field
          control={form.control}
          name="region"
          label={t('ops.region')}
          hint={t('ops.token.region')}
          autoComplete="off"
        />
        <Button type="submit" look="main" writes busy={make.isPending}>
          {t('ops.token.make')}
        </Button>
      </Form>
      <ShownOnce
        value={made}
        title={t('ops.token.made')}
        name={t('ops.token.command')}
        text={t('ops.token.use')}
        close={() => {
          setMade(undefined);
          make.reset();
        }}
      />
    </div>
  );
}
